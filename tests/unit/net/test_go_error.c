/* SPDX-License-Identifier: Apache-2.0 */
/* Real words of containerd 1.6, 1.7 and 2.1 (CRI, ctr) and of Docker 20.10, and traps. */
#include "net/go_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    enum error_code want;
    const char *text;
};

/* As they came when tests/e2e/field.py was pulled from; only ports and digests are shortened. */
static const struct row caught[] = {
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/close:v1\": failed to "
                    "resolve reference \"127.0.0.1:5000/canary/close:v1\": failed to do request: "
                    "Head \"http://127.0.0.1:5000/v2/canary/close/manifests/v1\": EOF"},
    {ERROR_CONNECT, "Head \"http://127.0.0.1:5000/v2/canary/close/manifests/v1\": EOF"},
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/close-middle:v1\": "
                    "failed to read expected number of bytes: unexpected EOF"},
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/close-middle:v1\": "
                    "short read: expected 20286 bytes but got 10143: unexpected EOF"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"reset.proxied.invalid/canary/image:v1\": failed to resolve "
     "reference \"reset.proxied.invalid/canary/image:v1\": failed to do request: Head "
     "\"https://reset.proxied.invalid/v2/canary/image/manifests/v1\": unexpected EOF"},
    {ERROR_CONNECT, "Get \"https://reset.proxied.invalid/v2/\": unexpected EOF"},
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                    "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: "
                    "Head \"http://127.0.0.1:5000/v2/canary/image/manifests/v1\": dial tcp "
                    "127.0.0.1:5000: connect: connection refused"},
    {ERROR_CONNECT,
     "Get \"http://127.0.0.1:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused"},
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/reset:v1\": failed to "
                    "resolve reference \"127.0.0.1:5000/canary/reset:v1\": failed to do request: "
                    "Head \"http://127.0.0.1:5000/v2/canary/reset/manifests/v1\": read tcp "
                    "127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT, "Head \"http://127.0.0.1:5000/v2/canary/reset/manifests/v1\": read tcp "
                    "127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/reset-middle:v1\": failed to copy: "
     "read tcp 127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-down:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-down:v1\": failed to authorize: failed to fetch "
     "anonymous token: Get "
     "\"http://127.0.0.1:5001/token?scope=repository%3Acanary%2Ftoken-down%3Apull&service=fake\": "
     "dial tcp 127.0.0.1:5001: connect: connection refused"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-down:v1\": failed to resolve "
     "image: failed to authorize: failed to fetch anonymous token: Get "
     "\"http://127.0.0.1:5001/token?scope=%5BREDACTED%5D&service=%5BREDACTED%5D\": dial tcp "
     "127.0.0.1:5001: connect: connection refused"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-reset:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-reset:v1\": failed to authorize: failed to fetch "
     "anonymous token: Get "
     "\"http://127.0.0.1:5000/token?scope=repository%3Acanary%2Ftoken-reset%3Apull&service=fake\": "
     "read tcp 127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-reset:v1\": failed to resolve "
     "image: failed to authorize: failed to fetch anonymous token: Get "
     "\"http://127.0.0.1:5000/token?scope=%5BREDACTED%5D&service=%5BREDACTED%5D\": read tcp "
     "127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT, "failed to pull and unpack image \"127.0.0.1:5000/canary/truncated:v1\": short "
                    "read: expected 20283 bytes but got 10141: unexpected EOF"},
    {ERROR_DIGEST_MISMATCH, "filesystem layer verification failed for digest sha256:404"},
    {ERROR_DIGEST_MISMATCH,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/wrong-bytes:v1\": failed commit on "
     "ref \"layer-sha256:404\": unexpected commit digest sha256:404, expected sha256:404: failed "
     "precondition"},
    {ERROR_DNS, "failed to pull and unpack image \"no-such-host.invalid/canary/image:v1\": failed "
                "to resolve reference \"no-such-host.invalid/canary/image:v1\": failed to do "
                "request: Head \"https://no-such-host.invalid/v2/canary/image/manifests/v1\": dial "
                "tcp: lookup no-such-host.invalid on 10.0.0.53:53: no such host"},
    {ERROR_DNS, "Get \"https://no-such-host.invalid/v2/\": dial tcp: lookup no-such-host.invalid "
                "on 10.0.0.53:53: no such host"},
    {ERROR_FORBIDDEN, "failed to pull and unpack image \"127.0.0.1:5000/canary/403:v1\": failed to "
                      "resolve reference \"127.0.0.1:5000/canary/403:v1\": pulling from host "
                      "127.0.0.1:5000 failed with status code [manifests v1]: 403 Forbidden"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/403:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/403:v1\": unexpected status from HEAD request to "
     "http://127.0.0.1:5000/v2/canary/403/manifests/v1: 403 Forbidden"},
    {ERROR_FORBIDDEN, "error parsing HTTP 403 response body: unexpected end of JSON input: \"\""},
    {ERROR_FORBIDDEN, "failed to pull and unpack image \"127.0.0.1:5000/canary/403-blob:v1\": "
                      "failed to copy: httpReadSeeker: failed open: unexpected status code "
                      "http://127.0.0.1:5000/v2/canary/403-blob/blobs/sha256:404: 403 Forbidden"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/403-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: unexpected status from GET request to "
     "http://127.0.0.1:5000/v2/canary/403-blob/blobs/sha256:404: 403 Forbidden"},
    {ERROR_FORBIDDEN, "denied"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"forbidden.plain.invalid/canary/image:v1\": failed to "
     "resolve reference \"forbidden.plain.invalid/canary/image:v1\": pulling from host "
     "forbidden.plain.invalid failed with status code [manifests v1]: 403 Forbidden"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"forbidden.plain.invalid/canary/image:v1\": failed to "
     "resolve reference \"forbidden.plain.invalid/canary/image:v1\": unexpected status from HEAD "
     "request to http://forbidden.plain.invalid/v2/canary/image/manifests/v1: 403 Forbidden"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-403:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-403:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status: 403 Forbidden"},
    {ERROR_FORBIDDEN,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-403:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-403:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status from GET request to "
     "http://127.0.0.1:5000/token?scope=repository%3Acanary%2Ftoken-403%3Apull&service=fake: 403 "
     "Forbidden"},
    {ERROR_LIMIT,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/huge-manifest:v1\": failed to "
     "resolve reference \"127.0.0.1:5000/canary/huge-manifest:v1\": rejecting 104857600 byte "
     "manifest for 127.0.0.1:5000/canary/huge-manifest:v1: not found"},
    {ERROR_NOT_FOUND,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/404:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/404:v1\": 127.0.0.1:5000/canary/404:v1: not found"},
    {ERROR_NOT_FOUND, "error parsing HTTP 404 response body: unexpected end of JSON input: \"\""},
    {ERROR_NOT_FOUND,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/404-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: could not fetch content descriptor sha256:404 "
     "(application/vnd.oci.image.layer.v1.tar+gzip) from remote: not found"},
    {ERROR_NOT_FOUND, "unknown blob"},
    {ERROR_NOT_FOUND,
     "failed to pull and unpack image "
     "\"127.0.0.1:5000/canary/unauthorized-429-no-space-left:toomanyrequests\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/unauthorized-429-no-space-left:toomanyrequests\": "
     "127.0.0.1:5000/canary/unauthorized-429-no-space-left:toomanyrequests: not found"},
    {ERROR_NOT_FOUND, "manifest unknown"},
    {ERROR_NOT_FOUND, "failed to pull and unpack image \"127.0.0.1:5000/canary/no-platform:v1\": "
                      "no match for platform in manifest: not found"},
    {ERROR_NOT_FOUND,
     "get image config descriptor: no match for platform in manifest sha256:404: not found"},
    {ERROR_NOT_FOUND, "no matching manifest for linux/amd64 in the manifest list entries"},
    {ERROR_NOT_FOUND,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/good:none\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/good:none\": 127.0.0.1:5000/canary/good:none: not found"},
    {ERROR_NOT_FOUND,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/wrong-digest-header:v1\": failed to "
     "copy: httpReadSeeker: failed open: content at "
     "http://127.0.0.1:5000/v2/canary/wrong-digest-header/manifests/sha256:404 not found: not "
     "found"},
    {ERROR_PROTOCOL, "unexpected end of JSON input"},
    {ERROR_PROTOCOL,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/garbage-manifest:v1\": children: "
     "invalid desc sha256:404: invalid character '<' looking for beginning of value"},
    {ERROR_PROTOCOL, "invalid character '<' looking for beginning of value"},
    {ERROR_PROTOCOL, "failed to pull and unpack image \"127.0.0.1:5000/canary/loop:v1\": failed to "
                     "resolve reference \"127.0.0.1:5000/canary/loop:v1\": failed to do request: "
                     "Head \"/v2/canary/loop/manifests/v1\": stopped after 10 redirects"},
    {ERROR_PROTOCOL, "Head \"/v2/canary/loop/manifests/v1\": stopped after 10 redirects"},
    {ERROR_PROTOCOL,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-empty:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-empty:v1\": failed to authorize: failed to fetch "
     "anonymous token: authorization server did not include a token in the response"},
    {ERROR_PROTOCOL, "failed to pull and unpack image \"127.0.0.1:5000/canary/token-garbage:v1\": "
                     "failed to resolve reference \"127.0.0.1:5000/canary/token-garbage:v1\": "
                     "failed to authorize: failed to fetch anonymous token: unable to decode token "
                     "response: invalid character '<' looking for beginning of value"},
    {ERROR_PROXY,
     "failed to pull and unpack image \"forbidden.proxied.invalid/canary/image:v1\": failed to "
     "resolve reference \"forbidden.proxied.invalid/canary/image:v1\": failed to do request: Head "
     "\"https://forbidden.proxied.invalid/v2/canary/image/manifests/v1\": Forbidden"},
    {ERROR_PROXY, "Get \"https://forbidden.proxied.invalid/v2/\": Forbidden"},
    {ERROR_PROXY,
     "failed to pull and unpack image \"password.proxied.invalid/canary/image:v1\": failed to "
     "resolve reference \"password.proxied.invalid/canary/image:v1\": failed to do request: Head "
     "\"https://password.proxied.invalid/v2/canary/image/manifests/v1\": Proxy Authentication "
     "Required"},
    {ERROR_PROXY, "Get \"https://password.proxied.invalid/v2/\": Proxy Authentication Required"},
    {ERROR_PROXY, "failed to pull and unpack image \"password.plain.invalid/canary/image:v1\": "
                  "failed to resolve reference \"password.plain.invalid/canary/image:v1\": pulling "
                  "from host password.plain.invalid failed with status code [manifests v1]: 407 "
                  "Proxy Authentication Required"},
    {ERROR_PROXY,
     "failed to pull and unpack image \"password.plain.invalid/canary/image:v1\": failed to "
     "resolve reference \"password.plain.invalid/canary/image:v1\": unexpected status from HEAD "
     "request to http://password.plain.invalid/v2/canary/image/manifests/v1: 407 Proxy "
     "Authentication Required"},
    {ERROR_PROXY, "error parsing HTTP 407 response body: unexpected end of JSON input: \"\""},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/429:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/429:v1\": pulling from host 127.0.0.1:5000 failed with "
     "status code [manifests v1]: 429 Too Many Requests"},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/429:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/429:v1\": unexpected status from HEAD request to "
     "http://127.0.0.1:5000/v2/canary/429/manifests/v1: 429 Too Many Requests"},
    {ERROR_RATE_LIMITED, "toomanyrequests: You have reached your pull rate limit."},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/429-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: unexpected status code "
     "http://127.0.0.1:5000/v2/canary/429-blob/blobs/sha256:404: 429 Too Many Requests"},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/429-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: unexpected status from GET request to "
     "http://127.0.0.1:5000/v2/canary/429-blob/blobs/sha256:404: 429 Too Many Requests"},
    {ERROR_RATE_LIMITED,
     "error parsing HTTP 429 response body: unexpected end of JSON input: \"\""},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-429:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-429:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status: 429 Too Many Requests"},
    {ERROR_RATE_LIMITED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-429:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-429:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status from GET request to "
     "http://127.0.0.1:5000/token?scope=repository%3Acanary%2Ftoken-429%3Apull&service=fake: 429 "
     "Too Many Requests"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/500:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/500:v1\": pulling from host 127.0.0.1:5000 failed with "
     "status code [manifests v1]: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/500:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/500:v1\": unexpected status from HEAD request to "
     "http://127.0.0.1:5000/v2/canary/500/manifests/v1: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR, "received unexpected HTTP status: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/500-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: unexpected status code "
     "http://127.0.0.1:5000/v2/canary/500-blob/blobs/sha256:404: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/500-blob:v1\": failed to copy: "
     "httpReadSeeker: failed open: unexpected status from GET request to "
     "http://127.0.0.1:5000/v2/canary/500-blob/blobs/sha256:404: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/503:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/503:v1\": pulling from host 127.0.0.1:5000 failed with "
     "status code [manifests v1]: 503 Service Unavailable"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/503:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/503:v1\": unexpected status from HEAD request to "
     "http://127.0.0.1:5000/v2/canary/503/manifests/v1: 503 Service Unavailable"},
    {ERROR_SERVER_ERROR, "received unexpected HTTP status: 503 Service Unavailable"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-500:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-500:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status: 500 Internal Server Error"},
    {ERROR_SERVER_ERROR,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-500:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-500:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status from GET request to "
     "http://127.0.0.1:5000/token?scope=repository%3Acanary%2Ftoken-500%3Apull&service=fake: 500 "
     "Internal Server Error"},
    {ERROR_SIZE_MISMATCH, "failed to pull and unpack image \"127.0.0.1:5000/canary/longer:v1\": "
                          "failed commit on ref \"layer-sha256:404\": \"layer-sha256:404\" failed "
                          "size validation: 20281 != 20277: failed precondition"},
    {ERROR_TIMEOUT, "failed to copy: context deadline exceeded"},
    {ERROR_TIMEOUT,
     "failed to resolve reference \"127.0.0.1:5000/canary/hang-manifest:v1\": failed to do "
     "request: Head \"http://127.0.0.1:5000/v2/canary/hang-manifest/manifests/v1\": context "
     "deadline exceeded"},
    {ERROR_TIMEOUT, "failed to resolve reference \"127.0.0.1:5000/canary/hang-manifest:v1\": "
                    "failed to do request: context deadline exceeded"},
    {ERROR_TIMEOUT,
     "failed to resolve reference \"127.0.0.1:5000/canary/hang-token:v1\": failed to authorize: "
     "failed to fetch anonymous token: Get "
     "\"http://127.0.0.1:5000/token?scope=repository%3Acanary%2Fhang-token%3Apull&service=fake\": "
     "context deadline exceeded"},
    {ERROR_TIMEOUT, "failed to resolve reference \"127.0.0.1:5000/canary/hang-token:v1\": failed "
                    "to authorize: failed to fetch anonymous token: context deadline exceeded"},
    {ERROR_TLS,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
     "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": x509: certificate has expired or is "
     "not yet valid: current time 2026-11-21T21:38:12Z is after 2026-11-20T21:37:53Z"},
    {ERROR_TLS, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
                "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": tls: failed to verify "
                "certificate: x509: certificate has expired or is not yet valid: current time "
                "2026-11-21T21:38:13Z is after 2026-11-20T21:37:53Z"},
    {ERROR_TLS, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
                "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": tls: first record does "
                "not look like a TLS handshake"},
    {ERROR_TLS, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
                "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": x509: certificate signed "
                "by unknown authority"},
    {ERROR_TLS, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
                "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": tls: failed to verify "
                "certificate: x509: certificate signed by unknown authority"},
    {ERROR_TLS, "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to "
                "resolve reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
                "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": x509: cannot validate "
                "certificate for 127.0.0.1 because it doesn't contain any IP SANs"},
    {ERROR_TLS,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/image:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/image:v1\": failed to do request: Head "
     "\"https://127.0.0.1:5000/v2/canary/image/manifests/v1\": tls: failed to verify certificate: "
     "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"},
    {ERROR_UNAUTHORIZED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/401-bare:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/401-bare:v1\": pulling from host 127.0.0.1:5000 failed "
     "with status code [manifests v1]: 401 Unauthorized"},
    {ERROR_UNAUTHORIZED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/401-bare:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/401-bare:v1\": unexpected status from HEAD request to "
     "http://127.0.0.1:5000/v2/canary/401-bare/manifests/v1: 401 Unauthorized"},
    {ERROR_UNAUTHORIZED, "unauthorized: authentication required"},
    {ERROR_UNAUTHORIZED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/401-basic:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/401-basic:v1\": pull access denied, repository does not "
     "exist or may require authorization: authorization failed: no basic auth credentials"},
    {ERROR_UNAUTHORIZED, "unauthorized: unauthorized"},
    {ERROR_UNAUTHORIZED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-401:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-401:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status: 401 Unauthorized"},
    {ERROR_UNAUTHORIZED,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/token-401:v1\": failed to resolve "
     "reference \"127.0.0.1:5000/canary/token-401:v1\": failed to authorize: failed to fetch "
     "anonymous token: unexpected status from GET request to "
     "http://127.0.0.1:5000/token?scope=repository%3Acanary%2Ftoken-401%3Apull&service=fake: 401 "
     "Unauthorized"},
    {ERROR_PROTOCOL,
     "failed to pull and unpack image \"127.0.0.1:5000/canary/content-type:v1\": failed to copy: "
     "httpReadSeeker: failed open: could not fetch content descriptor sha256:404 (text/html) from "
     "remote: not found"},
    {ERROR_PROTOCOL, "missing signature key"},
};

/* Of pushes by Docker 20.10, in the same way. */
static const struct row pushed_by_docker[] = {
    {ERROR_INVALID, "manifest invalid"},
    {ERROR_PROTOCOL, "invalid checksum digest format"},
    {ERROR_NOT_FOUND,
     "An image does not exist locally with the tag: 127.0.0.1:5000/canary/missing"},
    {ERROR_LIMIT, "error parsing HTTP 413 response body: unexpected end of JSON input: \"\""},
    {ERROR_RATE_LIMITED,
     "error parsing HTTP 429 response body: unexpected end of JSON input: \"\""},
    {ERROR_NO_SPACE, "received unexpected HTTP status: 507 Insufficient Storage"},
    {ERROR_SERVER_ERROR, "received unexpected HTTP status: 503 Service Unavailable"},
    {ERROR_UNSUPPORTED, "unsupported: x"},
    {ERROR_FORBIDDEN, "denied: no"},
    {ERROR_UNAUTHORIZED, "unauthorized: authentication required"},
    {ERROR_UNAUTHORIZED, "no basic auth credentials"},
    {ERROR_DIGEST_MISMATCH, "digest invalid: bad"},
    {ERROR_UNSUPPORTED, "schema 1 image manifests are no longer supported: invalid argument"},
    {ERROR_UNSUPPORTED, "children: invalid desc sha256:000: media-type: schema 1 not supported"},
    {ERROR_UNSUPPORTED,
     "[DEPRECATION NOTICE] Docker Image Format v1, and Docker Image manifest version 2, schema 1 "
     "support is disabled by default and will be removed in an upcoming release."},
    {ERROR_UNSUPPORTED,
     "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been "
     "removed. Suggest the author of a/b:c to upgrade the image"},
    {ERROR_UNSUPPORTED,
     "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:000 "
     "(application/vnd.docker.distribution.manifest.v1+json) from remote: not found"},
    {ERROR_UNSUPPORTED,
     "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:000 "
     "(application/vnd.docker.image.rootfs.foreign.diff.tar.gzip) from remote: not found"},
    {ERROR_UNSUPPORTED,
     "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:000 "
     "(application/vnd.oci.image.layer.nondistributable.v1.tar+gzip) from remote: not found"},
    {ERROR_UNSUPPORTED, "failed to extract layer sha256:000: failed to get stream processor for "
                        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted: exec: "
                        "\"ctd-decoder\": executable file "
                        "not found in $PATH"},
    {ERROR_UNSUPPORTED, "unsupported manifest format"},
    {ERROR_PROTOCOL, "failed to pull and unpack image \"a/b:c\": no signatures"},
    {ERROR_SERVER_ERROR, "blob upload unknown"},
    {ERROR_SERVER_ERROR, "manifest blob unknown: blob unknown to registry"},
    {ERROR_NOT_FOUND, "blob unknown: x"},
    {ERROR_NOT_FOUND, "unknown blob"},
    {ERROR_CONNECT, "write tcp 127.0.0.1:5001->127.0.0.1:5000: use of closed network connection"},
    {ERROR_CONNECT, "Put \"http://127.0.0.1:5000/v2/canary/image/manifests/v1\": EOF"},
    {ERROR_CONNECT, "Put \"http://127.0.0.1:5000/v2/canary/image/manifests/v1\": read tcp "
                    "127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
};

/* Of causes that cannot be made here at will: as Go's libraries and the daemons write them. */
static const struct row written[] = {
    {ERROR_NO_SPACE, "failed to pull and unpack image \"a/b:1\": failed to extract layer sha256:1: "
                     "write /usr/lib/x: no space left on device: unknown"},
    {ERROR_NO_SPACE, "failed to register layer: Error processing tar file(exit status 1): write "
                     "/usr/lib/x: no space left on device"},
    {ERROR_NO_SPACE, "failed to copy: failed to send write: write /root/ingest/1/data: disk quota "
                     "exceeded: unknown"},
    {ERROR_UNPACK, "failed to pull and unpack image \"a/b:1\": failed to extract layer sha256:1: "
                   "failed to mount /tmp/m1: invalid argument: unknown"},
    {ERROR_UNPACK, "failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip sha256:1) "
                   "to overlayfs as \"extract-1 sha256:1\": unexpected EOF"},
    {ERROR_UNPACK, "failed to prepare extraction snapshot \"extract-1 sha256:1\": parent snapshot "
                   "sha256:1 does not exist: not found"},
    {ERROR_UNPACK, "failed to register layer: Error processing tar file(exit status 1): "
                   "archive/tar: invalid tar header"},
    {ERROR_UNPACK, "wrong diff id calculated on extraction \"sha256:404\""},
    {ERROR_UNPACK,
     "apply layer error for \"a/b:1\": failed to extract layer sha256:1: unexpected EOF: unknown"},
    {ERROR_UNPACK, "rpc error: code = NotFound desc = failed to extract layer sha256:1: mount "
                   "callback failed: not found"},
    {ERROR_TIMEOUT, "failed to extract layer sha256:1: context deadline exceeded"},
    {ERROR_TIMEOUT, "rpc error: code = DeadlineExceeded desc = something"},
    {ERROR_TIMEOUT, "Get \"https://a/v2/\": net/http: TLS handshake timeout"},
    {ERROR_TIMEOUT, "Get \"https://a/v2/\": net/http: request canceled while waiting for "
                    "connection (Client.Timeout exceeded while awaiting headers)"},
    {ERROR_TIMEOUT, "Get \"https://a/v2/\": context deadline exceeded (Client.Timeout exceeded "
                    "while awaiting headers)"},
    {ERROR_TIMEOUT, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp "
                    "192.0.2.1:443: i/o timeout"},
    {ERROR_TIMEOUT, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp "
                    "192.0.2.1:443: connect: connection timed out"},
    {ERROR_CANCELED,
     "failed to copy: httpReadSeeker: failed open: failed to do request: context canceled"},
    {ERROR_DNS, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp: lookup a on "
                "10.0.0.53:53: server misbehaving"},
    {ERROR_DNS, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp: lookup a on "
                "10.0.0.53:53: read udp 10.0.0.1:4000->10.0.0.53:53: i/o timeout"},
    {ERROR_DNS,
     "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp: lookup a: i/o timeout"},
    {ERROR_DNS, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp: lookup a: "
                "Temporary failure in name resolution"},
    {ERROR_PROXY, "failed to do request: Head \"https://a/v2/b/manifests/1\": proxyconnect tcp: "
                  "dial tcp 192.0.2.1:3128: connect: connection refused"},
    {ERROR_PROXY, "failed to do request: Head \"https://a/v2/b/manifests/1\": proxyconnect tcp: "
                  "dial tcp: lookup proxy on 10.0.0.53:53: no such host"},
    {ERROR_PROXY, "failed to do request: Head \"https://a/v2/b/manifests/1\": Service Unavailable"},
    {ERROR_TLS, "Get \"https://a/v2/\": http: server gave HTTP response to HTTPS client"},
    {ERROR_TLS, "Get \"https://a/v2/\": remote error: tls: bad certificate"},
    {ERROR_TLS, "Get \"https://a/v2/\": x509: certificate is valid for b, not a"},
    {ERROR_CONNECT, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp "
                    "192.0.2.1:443: connect: no route to host"},
    {ERROR_CONNECT, "failed to do request: Head \"https://a/v2/b/manifests/1\": dial tcp "
                    "192.0.2.1:443: connect: network is unreachable"},
    {ERROR_CONNECT,
     "failed to copy: httpReadSeeker: failed open: failed to do request: Get \"https://a/v2/b\": "
     "write tcp 10.0.0.1:4000->192.0.2.1:443: write: broken pipe"},
    {ERROR_CONNECT, "Get \"https://a/v2/\": http: server closed idle connection"},
    {ERROR_UNAUTHORIZED, "failed to resolve reference \"docker.io/library/x:1\": pull access "
                         "denied, repository does not exist or may require authorization: server "
                         "message: insufficient_scope: authorization failed"},
    {ERROR_UNAUTHORIZED, "failed to authorize: failed to fetch oauth token: unexpected status from "
                         "POST request to https://a/token: 404 Not Found"},
    {ERROR_FORBIDDEN, "pull access denied for x, repository does not exist or may require 'docker "
                      "login': denied: requested access to the resource is denied"},
    {ERROR_FORBIDDEN,
     "image verifier signatures blocked pull of a/b:1 with digest sha256:1 for reason: not signed"},
    {ERROR_NOT_FOUND,
     "pull access denied for x, repository does not exist or may require 'docker login'"},
    {ERROR_NOT_FOUND, "manifest for registry:404 not found: manifest unknown: manifest unknown"},
    {ERROR_NOT_FOUND, "name unknown: repository name not known to registry"},
    {ERROR_RATE_LIMITED,
     "failed to resolve reference \"docker.io/library/x:1\": unexpected status from HEAD request "
     "to https://registry-1.docker.io/v2/library/x/manifests/1: 429 Too Many "
     "Requests\ntoomanyrequests: You have reached your unauthenticated pull rate limit."},
    {ERROR_SERVER_ERROR, "failed to copy: httpReadSeeker: failed open: unexpected status code "
                         "https://a/v2/b/blobs/sha256:429: 502 Bad Gateway"},
    {ERROR_PROTOCOL, "failed to resolve image: unexpected status from HEAD request to "
                     "http://a/v2/b/manifests/1: 400 Bad Request"},
    {ERROR_PROTOCOL, "Get \"http://a/v2/\": net/http: HTTP/1.x transport connection broken: "
                     "malformed HTTP status code \"x\""},
    {ERROR_PROTOCOL, "json: cannot unmarshal array into Go value of type ocispec.Manifest"},
    {ERROR_DIGEST_MISMATCH, "manifest verification failed for digest sha256:404"},
    {ERROR_UNSUPPORTED, "failed commit on ref \"layer-sha512:1\": unexpected commit digest "
                        "sha256:404, expected sha512:404: failed precondition"},
    {ERROR_UNSUPPORTED, "invalid digest \"blake3:1\": unsupported digest algorithm"},
    {ERROR_SIZE_MISMATCH, "failed commit on ref \"layer-sha256:1\": unexpected commit size 7, "
                          "expected 9: failed precondition"},
    {ERROR_UNSUPPORTED, "failed to extract layer sha256:1: failed to get stream processor for "
                        "application/x: no processor for media-type: unknown"},
    {ERROR_PROTOCOL, "unsupported manifest media type and no default available: text/html"},
    {ERROR_RUNTIME_UNAVAILABLE,
     "connection error: desc = \"transport: Error while dialing: dial unix "
     "/run/containerd/containerd.sock: connect: connection refused\""},
    {ERROR_INVALID, "invalid reference format"},
};

/* As they came when pushes went to tests/fake/registry.py and docker-registry. */
static const struct row pushed[] = {
    {ERROR_CONNECT, "failed commit on ref \"layer-sha256:404\": failed to do request: Put "
                    "\"http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...\": "
                    "read tcp 127.0.0.1:5001->127.0.0.1:5000: read: connection reset by peer"},
    {ERROR_CONNECT, "failed commit on ref \"manifest-sha256:404\": failed to do request: Put "
                    "\"http://127.0.0.1:5000/v2/push/image/manifests/v1\": readfrom tcp "
                    "127.0.0.1:5001->127.0.0.1:5000: write tcp 127.0.0.1:5001->127.0.0.1:5000: use "
                    "of closed network connection"},
    {ERROR_DIGEST_MISMATCH,
     "failed commit on ref \"manifest-sha256:404\": got digest sha256:000, expected sha256:404"},
    {ERROR_DIGEST_MISMATCH,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 400 Bad Request "
     "unknown: digest invalid"},
    {ERROR_SIZE_MISMATCH,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 400 Bad Request "
     "unknown: size invalid"},
    {ERROR_SERVER_ERROR,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 404 Not Found"},
    {ERROR_SERVER_ERROR,
     "failed commit on ref \"manifest-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/manifests/v1: 404 Not Found unknown: blob unknown to "
     "registry"},
    {ERROR_NOT_FOUND,
     "failed commit on ref \"manifest-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/manifests/v1: 404 Not Found"},
    {ERROR_NOT_FOUND,
     "unexpected status from POST request to http://127.0.0.1:5000/v2/push/image/blobs/uploads/: "
     "404 Not Found"},
    {ERROR_FORBIDDEN,
     "unexpected status from POST request to http://127.0.0.1:5000/v2/push/image/blobs/uploads/: "
     "403 Forbidden denied: requested access to the resource is denied"},
    {ERROR_FORBIDDEN,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 403 Forbidden"},
    {ERROR_LIMIT, "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request "
                  "to http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 413 "
                  "Request Entity Too Large"},
    {ERROR_RATE_LIMITED,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 429 Too Many "
     "Requests toomanyrequests: You have reached your limit."},
    {ERROR_SERVER_ERROR,
     "failed commit on ref \"manifest-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/manifests/v1: 503 Service Unavailable"},
    {ERROR_SERVER_ERROR,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/1e2b89afc9366238?...: 404 Not Found "
     "unknown: blob upload invalid"},
    {ERROR_NOT_FOUND,
     "manifest list/index references to blobs and/or manifests are missing in your target "
     "registry: failed commit on ref \"index-1@sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/manifests/1: 400 Bad Request\nerrors:\nunknown: blob "
     "unknown to registry\n"},
    {ERROR_UNSUPPORTED,
     "unexpected status from POST request to http://127.0.0.1:5000/v2/push/image/blobs/uploads/: "
     "405 Method Not Allowed unsupported: The operation is unsupported."},
    {ERROR_INVALID,
     "failed commit on ref \"manifest-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/manifests/v1: 400 Bad Request unknown: manifest invalid"},
    {ERROR_PROTOCOL, "failed commit on ref \"manifest-sha256:404\": invalid content digest in "
                     "response: invalid checksum digest format"},
    {ERROR_PROTOCOL, "failed to copy: failed to do request: Put \"http:?digest=sha256%3A404\": "
                     "http: no Host in request URL"},
    {ERROR_PROTOCOL, "failed to copy: failed to do request: Put "
                     "\"/v2/push/image/blobs/uploads/"
                     "c30ca358c8d11f33?_state=x&digest=sha256%3A404\": stopped after 10 redirects"},
    {ERROR_UNAUTHORIZED, "push access denied, repository does not exist or may require "
                         "authorization: authorization failed: no basic auth credentials"},
    {ERROR_UNAUTHORIZED, "unexpected status from HEAD request to "
                         "http://127.0.0.1:5000/v2/push/image/blobs/sha256:404: 401 Unauthorized"},
    {ERROR_DIGEST_MISMATCH,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/61e2b079ceed78b0?...: 400 Bad Request "
     "unknown: provided digest did not match uploaded content"},
    {ERROR_SIZE_MISMATCH,
     "failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://127.0.0.1:5000/v2/push/image/blobs/uploads/61e2b079ceed78b0?...: 400 Bad Request "
     "unknown: provided length did not match content length"},
    {ERROR_PROTOCOL,
     "failed to copy: failed to do request: Put \"gopher://nowhere/upload?...\": unsupported "
     "protocol scheme \"gopher\""},
};

/* The forms in which daemons print a status and the body beside it: containerd 1.6, 1.7, 2.1; 1.7
 * and later with several errors; 2.2 and later; Docker. */
static const struct {
    const char *before, *between, *after;
    bool code_first;
} forms[] = {
    {"failed to copy: httpReadSeeker: failed open: unexpected status code "
     "http://a/v2/b/blobs/sha256:404: ",
     " - Server message: ", ": words"},
    {"failed commit on ref \"layer-sha256:404\": unexpected status from PUT request to "
     "http://a/v2/b/blobs/uploads/1?...: ",
     " ", ": words"},
    {"failed to resolve image: unexpected status from GET request to http://a/v2/b/manifests/1: ",
     "\nerrors:\n", ": words\nunknown: more words\n"},
    {"failed to copy: unexpected status from GET request to http://a/v2/b/blobs/sha256:404: ", ": ",
     ": words"},
    {"failed to copy: ",
     ": words: unexpected status from GET request to http://a/v2/b/blobs/sha256:404: ", "", true},
    {"failed to authorize: failed to fetch oauth token: unexpected status from POST request to "
     "http://a/token: ",
     "\n", ": words"},
    {"received unexpected HTTP status: ", ": ", ""},
    {"error parsing HTTP ", ": ", ""},
};

/* Reasons as registry_status_error() gives them. */
static const struct {
    const char *status, *code;
    enum error_code want;
} statuses[] = {
    {"500 Internal Server Error", "denied", ERROR_SERVER_ERROR},
    {"503 Service Unavailable", "toomanyrequests", ERROR_SERVER_ERROR},
    {"500 Internal Server Error", "unauthorized", ERROR_SERVER_ERROR},
    {"502 Bad Gateway", "manifest unknown", ERROR_SERVER_ERROR},
    {"500 Internal Server Error", "no space left on device", ERROR_SERVER_ERROR},
    {"500 Internal Server Error", "digest invalid", ERROR_SERVER_ERROR},
    {"502 Bad Gateway", "dial tcp 192.0.2.1:443: connect: connection refused", ERROR_SERVER_ERROR},
    {"500 Internal Server Error", "dial tcp: lookup a: no such host", ERROR_SERVER_ERROR},
    {"503 Service Unavailable", "x509: certificate has expired", ERROR_SERVER_ERROR},
    {"504 Gateway Timeout", "context deadline exceeded", ERROR_SERVER_ERROR},
    {"507 Insufficient Storage", "denied", ERROR_NO_SPACE},
    {"401 Unauthorized", "denied", ERROR_FORBIDDEN},
    {"403 Forbidden", "unauthorized", ERROR_UNAUTHORIZED},
    {"403 Forbidden", "toomanyrequests", ERROR_RATE_LIMITED},
    {"403 Forbidden", "denied", ERROR_FORBIDDEN},
    {"403 Forbidden", "x509: certificate has expired", ERROR_FORBIDDEN},
    {"429 Too Many Requests", "toomanyrequests", ERROR_RATE_LIMITED},
    {"400 Bad Request", "digest invalid", ERROR_DIGEST_MISMATCH},
    {"400 Bad Request", "size invalid", ERROR_SIZE_MISMATCH},
    {"400 Bad Request", "name invalid", ERROR_INVALID},
    {"400 Bad Request", "manifest unverified", ERROR_INVALID},
    {"400 Bad Request", "manifest unknown", ERROR_NOT_FOUND},
    {"400 Bad Request", "name unknown", ERROR_NOT_FOUND},
    {"404 Not Found", "unavailable", ERROR_SERVER_ERROR},
    {"405 Method Not Allowed", "unsupported", ERROR_UNSUPPORTED},
    {"400 Bad Request", "no space left on device", ERROR_PROTOCOL},
};

/* Words and numbers where they mean nothing. */
static const char *const traps[] = {
    "",
    ": ",
    ": : desc = \n",
    "failed to pull and unpack image \"localhost:5000/notfound-429/x:1\": it rained",
    "failed to resolve reference \"localhost:5000/toomanyrequests/denied:unauthorized\": it rained",
    "a/no-space-left-on-device:tls: b/x509:404: it rained",
    "blob sha256:404429500: it rained",
    "unexpected statuses 429 Too Many Requests are rare",
    "it rained: 429 Too Many Requests",
    "it rained: 404 Not Found",
    "it rained: Forbidden",
    "layer 500 of 503: it rained",
    "unexpected status: 4290 Too Many Requests",
    "unexpected status: OK",
    "the certificate x509 was unauthorized, connection refused, EOF",
    "it rained before no space left on device was said",
    "error parsing HTTP 4041 response body: it rained",
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum error_code code = go_error_code(rows[i].text, ERROR_INTERNAL);

        if (code != rows[i].want)
            print_error("%s: %s\n", error_code_name(code), rows[i].text);
        assert_int_equal(code, rows[i].want);
    }
}

static void maps_messages_of_real_daemons(void **state)
{
    (void)state;
    check_rows(caught, sizeof(caught) / sizeof(caught[0]));
    check_rows(pushed_by_docker, sizeof(pushed_by_docker) / sizeof(pushed_by_docker[0]));
    check_rows(written, sizeof(written) / sizeof(written[0]));
    check_rows(pushed, sizeof(pushed) / sizeof(pushed[0]));
}

static void a_status_is_stronger_than_words(void **state)
{
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
            const char *first = forms[k].code_first ? statuses[i].code : statuses[i].status;
            const char *second = forms[k].code_first ? statuses[i].status : statuses[i].code;

            snprintf(text, sizeof(text), "%s%s%s%s%s", forms[k].before, first, forms[k].between,
                     second, forms[k].after);
            check_rows(&(struct row){statuses[i].want, text}, 1);
        }
}

static void ignores_words_and_numbers_out_of_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        enum error_code code = go_error_code(traps[i], ERROR_RUNTIME);

        if (code != ERROR_RUNTIME)
            print_error("%s: %s\n", error_code_name(code), traps[i]);
        assert_int_equal(code, ERROR_RUNTIME);
    }
}

/* Whatever the length: the end counts, where Go puts the cause. */
static void reads_long_messages_from_their_end(void **state)
{
    char text[20000];

    (void)state;
    memset(text, 'x', sizeof(text));
    strcpy(text + sizeof(text) - sizeof(": no space left on device"), ": no space left on device");
    assert_int_equal(go_error_code(text, ERROR_RUNTIME), ERROR_NO_SPACE);
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, ": ", 2);
    text[sizeof(text) - 2] = text[sizeof(text) - 1] = '\0';
    assert_int_equal(go_error_code(text, ERROR_RUNTIME), ERROR_RUNTIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_messages_of_real_daemons),
        cmocka_unit_test(a_status_is_stronger_than_words),
        cmocka_unit_test(ignores_words_and_numbers_out_of_place),
        cmocka_unit_test(reads_long_messages_from_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
