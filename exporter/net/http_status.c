/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_status.h"

#include <stddef.h>

static const struct {
    int status;
    enum error_code code;
} statuses[] = {
    {401, ERROR_UNAUTHORIZED}, {403, ERROR_FORBIDDEN}, {404, ERROR_NOT_FOUND},
    {405, ERROR_UNSUPPORTED},  {407, ERROR_PROXY},     {408, ERROR_SERVER_ERROR},
    {412, ERROR_FORBIDDEN},    {413, ERROR_LIMIT},     {429, ERROR_RATE_LIMITED},
    {507, ERROR_NO_SPACE},
};

enum error_code http_status_reason(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].code;
    return status >= 500 && status < 600 ? ERROR_SERVER_ERROR : ERROR_PROTOCOL;
}
