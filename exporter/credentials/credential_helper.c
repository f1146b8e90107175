/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a helper that fails may hold secrets, so messages contain only its exit status. */
#include "credentials/credential_helper.h"

#include "credentials/docker_config.h"
#include "encoding/json.h"
#include "os/process.h"

#include <stdio.h>
#include <string.h>

#define PREFIX           "docker-credential-"
#define ANSWER_BYTES_MAX ((size_t)256 << 10)
#define NOT_FOUND        "credentials not found in native keychain"
#define TOKEN_USER       "<token>" /* marks the secret as an identity token */

static bool is_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    return size > 0 && name[size] == '\0' && size < CREDENTIAL_HELPER_BYTES;
}

static bool says_not_found(const struct buf *answer)
{
    const char *text = answer->data ? answer->data : "";
    size_t size;

    text += strspn(text, " \t\r\n");
    for (size = strlen(text); size > 0 && strchr(" \t\r\n", text[size - 1]); size--)
        ;
    return size == strlen(NOT_FOUND) && memcmp(text, NOT_FOUND, size) == 0;
}

static bool read_answer(const struct buf *answer, struct credentials *credentials,
                        struct error *err)
{
    CLEANUP(json_freep)
    struct json_document *document = json_parse(answer->data, answer->size, err);
    const char *username = json_text(json_member(json_root(document), "Username"));
    const char *secret = json_text(json_member(json_root(document), "Secret"));

    if (!document || !username || !secret)
        return error_set(err, ERROR_INVALID,
                         "invalid response: expected a JSON object with Username and Secret");
    if (strcmp(username, TOKEN_USER) == 0)
        return secret_set(&credentials->identity_token, secret, strlen(secret), err);
    if (!*username && !*secret)
        return true;
    return secret_set(&credentials->username, username, strlen(username), err) &&
           secret_set(&credentials->password, secret, strlen(secret), err);
}

bool credential_helper_get(const char *name, const char *server, struct credentials *credentials,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf answer = SECRET_BUF_INIT(ANSWER_BYTES_MAX);
    char program[sizeof(PREFIX) + CREDENTIAL_HELPER_BYTES];
    const char *const argv[] = {program, "get", NULL};
    const struct process_call call = {.argv = argv,
                                      .input = server,
                                      .input_bytes = strlen(server),
                                      .timeout_ns = CREDENTIALS_WAIT_NS};

    if (!is_name(name))
        return error_set(err, ERROR_INVALID,
                         "invalid name of a credential helper: expected letters, "
                         "digits and \"_.-\"");
    snprintf(program, sizeof(program), PREFIX "%s", name);
    if (process_run(&call, &answer, NULL, cancel, err))
        return read_answer(&answer, credentials, err) || error_wrap(err, "%s", program);
    if (says_not_found(&answer) && error_is_expected_code(err, ERROR_INTERNAL))
        return true;
    if (err->code == ERROR_INTERNAL || err->code == ERROR_LIMIT)
        err->code = ERROR_INVALID;
    return false;
}
