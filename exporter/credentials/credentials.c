/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/credentials.h"

void credentials_deinit(struct credentials *credentials)
{
    secret_deinit(&credentials->username);
    secret_deinit(&credentials->password);
    secret_deinit(&credentials->identity_token);
    secret_deinit(&credentials->registry_token);
    credentials->source = NULL;
}

bool credentials_any(const struct credentials *credentials)
{
    return *secret_text(&credentials->username) || *secret_text(&credentials->password) ||
           *secret_text(&credentials->identity_token) || *secret_text(&credentials->registry_token);
}

bool credentials_copy(struct credentials *to, const struct credentials *from, struct error *err)
{
    to->searched = from->searched;
    return secret_copy(&to->username, &from->username, err) &&
           secret_copy(&to->password, &from->password, err) &&
           secret_copy(&to->identity_token, &from->identity_token, err) &&
           secret_copy(&to->registry_token, &from->registry_token, err);
}
