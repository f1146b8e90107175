/* SPDX-License-Identifier: Apache-2.0 */
#include "server/basic_auth.h"

#include "base/secret.h"
#include "base/text.h"
#include "encoding/base64.h"
#include "server/config/tls.h"

#include <crypt.h>
#include <string.h>
#include <strings.h>

#define CACHE_ENTRIES     100
#define QUEUE_MAX         64
#define AUTHORIZATION_MAX ((size_t)4096)
#define FINGERPRINTED_MAX (AUTHORIZATION_MAX + 128)
#define HASH_BYTES        60 /* "$2y$10$", then salt and hash */
#define HASH_COST_AT      4
#define HASH_SALT_END     29

/* Belongs to no user; its result is discarded. */
static const char dummy_hash[] = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

struct verdict {
    unsigned char fingerprint[TLS_MAC_BYTES];
    bool right;
    uint64_t used; /* value of `lookups` at the last use; 0: free */
};

struct request {
    struct request *next;
    struct web_config *config;
    struct secret password;
    char hash[HASH_BYTES + 1];
    bool known; /* the user is in the configuration */
    unsigned char fingerprint[TLS_MAC_BYTES];
    void (*done)(void *arg, bool admitted);
    void *arg;
};

struct basic_auth {
    unsigned char key[TLS_MAC_BYTES];
    struct crypt_data crypt; /* used by the thread only */
    pthread_t thread;
    pthread_cond_t work;
    pthread_mutex_t lock; /* protects what follows */
    struct verdict verdicts[CACHE_ENTRIES];
    uint64_t lookups;
    struct request *first, **end;
    size_t n_waiting;
    bool stopping;
};

/* ---- The Authorization header --------------------------------------------------------------- */

struct credentials { /* inside `text` */
    const char *user, *password;
};

/* `text` gets "user\0password". Rejects a NUL: the password would end there. */
static bool read_authorization(const char *authorization, struct buf *text,
                               struct credentials *credentials)
{
    static const char scheme[] = "Basic ";
    struct error err;
    size_t size;
    char *colon;

    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0 ||
        strlen(authorization) > AUTHORIZATION_MAX)
        return false;
    authorization += strlen(scheme);
    for (size_t i = 0; i < BASE64_ROOM_BYTES(strlen(authorization)); i++)
        buf_append_char(text, '\0');
    if (!buf_ok(text, &err) || !base64_decode(authorization, text->data, &size))
        return false;
    text->data[size] = '\0';
    colon = memchr(text->data, ':', size);
    if (!colon || strlen(text->data) != size)
        return false;
    *colon = '\0';
    *credentials = (struct credentials){text->data, colon + 1};
    return true;
}

static bool equals_in_constant_time(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}

/* Chooses the hash to compare with. Its prefix becomes $2y$, which verifies the other kinds, too.
 * For an unknown user the dummy hash gets the cost of a known user, always the same one. */
static bool choose_hash(const struct basic_auth *basic_auth, const struct web_config *config,
                        const char *name, struct request *request)
{
    unsigned char fingerprint[TLS_MAC_BYTES];
    const char *cost_of;

    if (!tls_mac(basic_auth->key, name, strlen(name), fingerprint))
        return false;
    cost_of = config->users[fingerprint[0] % config->n_users].hash;
    memcpy(request->hash, dummy_hash, sizeof(dummy_hash));
    memcpy(request->hash + HASH_COST_AT, cost_of + HASH_COST_AT, 2);
    for (size_t i = 0; i < config->n_users; i++)
        if (strcmp(config->users[i].name, name) == 0) {
            request->known = true;
            memcpy(request->hash, config->users[i].hash, sizeof(request->hash));
        }
    request->hash[2] = 'y';
    return true;
}

static bool compute_fingerprint(const struct basic_auth *basic_auth,
                                const struct credentials *credentials, struct request *request)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(FINGERPRINTED_MAX);
    struct error err;

    buf_append(&text, credentials->user, strlen(credentials->user) + 1);
    buf_append(&text, request->hash, sizeof(request->hash));
    buf_append(&text, credentials->password, strlen(credentials->password));
    return buf_ok(&text, &err) &&
           tls_mac(basic_auth->key, text.data, text.size, request->fingerprint);
}

static void request_free(struct request *request)
{
    secret_deinit(&request->password);
    if (request->config)
        web_config_unref(request->config);
    free(request);
}
DEFINE_CLEANUP(struct request *, request_free)

static struct request *new_request(const struct basic_auth *basic_auth, struct web_config *config,
                                   const char *authorization)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(AUTHORIZATION_MAX);
    CLEANUP(request_freep) struct request *request = calloc(1, sizeof(*request));
    struct credentials credentials;
    struct error err;

    if (!request || !read_authorization(authorization, &text, &credentials))
        return NULL;
    if (!choose_hash(basic_auth, config, credentials.user, request) ||
        !compute_fingerprint(basic_auth, &credentials, request) ||
        !secret_set(&request->password, credentials.password, strlen(credentials.password), &err))
        return NULL;
    request->config = web_config_ref(config);
    return TAKE(request);
}

/* ---- Cached verdicts; all called with the lock held ----------------------------------------- */

static struct verdict *find_verdict(struct basic_auth *basic_auth, const unsigned char *fingerprint)
{
    struct verdict *found = NULL;

    for (size_t i = 0; i < CACHE_ENTRIES; i++) {
        struct verdict *verdict = &basic_auth->verdicts[i];
        if (equals_in_constant_time(verdict->fingerprint, fingerprint, TLS_MAC_BYTES) &&
            verdict->used > 0)
            found = verdict;
    }
    if (found)
        found->used = ++basic_auth->lookups;
    return found;
}

/* Negative verdicts are evicted first, so that guessing clients cannot evict valid users. */
static bool is_evicted_before(const struct verdict *a, const struct verdict *b)
{
    if (a->used == 0 || b->used == 0)
        return a->used < b->used;
    return a->right != b->right ? b->right : a->used < b->used;
}

static void cache_verdict(struct basic_auth *basic_auth, const struct request *request, bool right)
{
    struct verdict *victim = &basic_auth->verdicts[0];

    for (size_t i = 1; i < CACHE_ENTRIES; i++)
        if (is_evicted_before(&basic_auth->verdicts[i], victim))
            victim = &basic_auth->verdicts[i];
    memcpy(victim->fingerprint, request->fingerprint, TLS_MAC_BYTES);
    victim->right = right;
    victim->used = ++basic_auth->lookups;
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* Compares only what follows the salt: crypt_r() clears unused bits in the last character of the
 * salt, which some generators of hashes leave set. */
static bool verify_password(struct basic_auth *basic_auth, const struct request *request)
{
    const char *hash = crypt_r(request->password.text, request->hash, &basic_auth->crypt);
    bool same = hash && strlen(hash) == HASH_BYTES &&
                equals_in_constant_time(hash + HASH_SALT_END, request->hash + HASH_SALT_END,
                                        HASH_BYTES - HASH_SALT_END);

    explicit_bzero(&basic_auth->crypt, sizeof(basic_auth->crypt));
    return same && request->known;
}

/* Looks the verdict up again: an earlier request in the queue may have had the same password. */
static bool find_or_verify(struct basic_auth *basic_auth, const struct request *request)
{
    const struct verdict *verdict;
    bool right;

    pthread_mutex_lock(&basic_auth->lock);
    verdict = find_verdict(basic_auth, request->fingerprint);
    right = verdict && verdict->right;
    pthread_mutex_unlock(&basic_auth->lock);
    if (verdict)
        return right;
    right = verify_password(basic_auth, request);
    pthread_mutex_lock(&basic_auth->lock);
    cache_verdict(basic_auth, request, right);
    pthread_mutex_unlock(&basic_auth->lock);
    return right;
}

/* Returns NULL when the thread must stop and the queue is empty. */
static struct request *next_request(struct basic_auth *basic_auth, bool *stopping)
{
    struct request *request;
    LOCK_SCOPE(&basic_auth->lock);

    while (!basic_auth->first && !basic_auth->stopping)
        pthread_cond_wait(&basic_auth->work, &basic_auth->lock);
    *stopping = basic_auth->stopping;
    request = basic_auth->first;
    if (!request)
        return NULL;
    basic_auth->first = request->next;
    if (!basic_auth->first)
        basic_auth->end = &basic_auth->first;
    basic_auth->n_waiting--;
    return request;
}

static void *run(void *arg)
{
    struct basic_auth *basic_auth = arg;
    struct request *request;
    bool stopping;

    while ((request = next_request(basic_auth, &stopping))) {
        request->done(request->arg, !stopping && find_or_verify(basic_auth, request));
        request_free(request);
    }
    return NULL;
}

/* ---- Public functions ----------------------------------------------------------------------- */

struct basic_auth *basic_auth_new(struct error *err)
{
    struct basic_auth *basic_auth = calloc(1, sizeof(*basic_auth));

    if (!basic_auth) {
        error_memory(err);
        return NULL;
    }
    basic_auth->end = &basic_auth->first;
    pthread_mutex_init(&basic_auth->lock, NULL);
    pthread_cond_init(&basic_auth->work, NULL);
    if (tls_mac_key(basic_auth->key, err)) {
        int r = pthread_create(&basic_auth->thread, NULL, run, basic_auth);

        if (r == 0)
            return basic_auth;
        error_errno(err, r, "cannot start the authentication thread");
    }
    pthread_cond_destroy(&basic_auth->work);
    pthread_mutex_destroy(&basic_auth->lock);
    free(basic_auth);
    return NULL;
}

void basic_auth_stop(struct basic_auth *basic_auth)
{
    LOCK_SCOPE(&basic_auth->lock);

    basic_auth->stopping = true;
    pthread_cond_signal(&basic_auth->work);
}

void basic_auth_free(struct basic_auth *basic_auth)
{
    basic_auth_stop(basic_auth);
    pthread_join(basic_auth->thread, NULL);
    pthread_cond_destroy(&basic_auth->work);
    pthread_mutex_destroy(&basic_auth->lock);
    explicit_bzero(basic_auth, sizeof(*basic_auth));
    free(basic_auth);
}

enum basic_auth_verdict basic_auth_check(struct basic_auth *basic_auth, struct web_config *config,
                                         const char *authorization,
                                         void (*done)(void *arg, bool admitted), void *arg)
{
    CLEANUP(request_freep) struct request *request = NULL;
    const struct verdict *known;

    if (config->n_users == 0)
        return PASSWORD_RIGHT;
    request = new_request(basic_auth, config, authorization);
    if (!request)
        return PASSWORD_WRONG;
    request->done = done;
    request->arg = arg;
    LOCK_SCOPE(&basic_auth->lock);
    known = find_verdict(basic_auth, request->fingerprint);
    if (known)
        return known->right ? PASSWORD_RIGHT : PASSWORD_WRONG;
    if (basic_auth->n_waiting == QUEUE_MAX || basic_auth->stopping)
        return PASSWORD_WRONG;
    basic_auth->n_waiting++;
    *basic_auth->end = request;
    basic_auth->end = &request->next;
    request = NULL;
    pthread_cond_signal(&basic_auth->work);
    return PASSWORD_PENDING;
}
