/* SPDX-License-Identifier: Apache-2.0 */
#include "server/basic_auth.h"

#include "encoding/base64.h"
#include "os/keyed_hash.h"
#include "base/secret.h"
#include "base/text.h"

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

/* Of no user; what it is compared with is thrown away. */
static const char nobodys_hash[] = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

struct verdict {
    unsigned char fingerprint[KEYED_HASH_BYTES];
    bool right;
    uint64_t used; /* when, by the count of looks; 0: no entry */
};

struct request {
    struct request *next;
    struct web_config *config;
    struct secret password;
    char hash[HASH_BYTES + 1];
    bool known; /* the user is */
    unsigned char fingerprint[KEYED_HASH_BYTES];
    void (*done)(void *arg, bool admitted);
    void *arg;
};

struct passwords {
    struct keyed_hash_key key;
    struct crypt_data crypt; /* of the thread alone */
    pthread_t thread;
    pthread_cond_t work;
    pthread_mutex_t lock; /* of what follows */
    struct verdict verdicts[CACHE_ENTRIES];
    uint64_t looks;
    struct request *first, **end;
    size_t n_waiting;
    bool stopping;
};

/* ---- What a client sends ----------------------------------------------------------------------
 */

struct credentials { /* inside `text` */
    const char *user, *password;
};

/* `text` gets "user\0password". A NUL in it would let the rest of a password go unread. */
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

static bool is_same(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}

/* The hash to compare with, as the newest kind of bcrypt, which reads the others, too. For an
 * unknown user it costs what that of some user costs, always the same one. */
static void choose_hash(const struct passwords *passwords, const struct web_config *config,
                        const char *name, struct request *request)
{
    unsigned char fingerprint[KEYED_HASH_BYTES];
    const char *cost_of;

    keyed_hash(&passwords->key, name, strlen(name), fingerprint);
    cost_of = config->users[fingerprint[0] % config->n_users].hash;
    memcpy(request->hash, nobodys_hash, sizeof(nobodys_hash));
    memcpy(request->hash + HASH_COST_AT, cost_of + HASH_COST_AT, 2);
    for (size_t i = 0; i < config->n_users; i++)
        if (strcmp(config->users[i].name, name) == 0) {
            request->known = true;
            memcpy(request->hash, config->users[i].hash, sizeof(request->hash));
        }
    request->hash[2] = 'y';
}

static bool take_fingerprint(const struct passwords *passwords,
                             const struct credentials *credentials, struct request *request)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(FINGERPRINTED_MAX);
    struct error err;

    buf_append(&text, credentials->user, strlen(credentials->user) + 1);
    buf_append(&text, request->hash, sizeof(request->hash));
    buf_append(&text, credentials->password, strlen(credentials->password));
    if (!buf_ok(&text, &err))
        return false;
    keyed_hash(&passwords->key, text.data, text.size, request->fingerprint);
    return true;
}

static void request_free(struct request *request)
{
    secret_deinit(&request->password);
    if (request->config)
        web_config_unref(request->config);
    free(request);
}
DEFINE_CLEANUP(struct request *, request_free)

static struct request *new_request(const struct passwords *passwords, struct web_config *config,
                                   const char *authorization)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(AUTHORIZATION_MAX);
    CLEANUP(request_freep) struct request *request = calloc(1, sizeof(*request));
    struct credentials credentials;
    struct error err;

    if (!request || !read_authorization(authorization, &text, &credentials))
        return NULL;
    choose_hash(passwords, config, credentials.user, request);
    if (!take_fingerprint(passwords, &credentials, request) ||
        !secret_set(&request->password, credentials.password, strlen(credentials.password), &err))
        return NULL;
    request->config = web_config_ref(config);
    return TAKE(request);
}

/* ---- Verdicts; all with the lock held ---------------------------------------------------------
 */

static struct verdict *find_verdict(struct passwords *passwords, const unsigned char *fingerprint)
{
    struct verdict *found = NULL;

    for (size_t i = 0; i < CACHE_ENTRIES; i++) {
        struct verdict *verdict = &passwords->verdicts[i];
        if (is_same(verdict->fingerprint, fingerprint, KEYED_HASH_BYTES) && verdict->used > 0)
            found = verdict;
    }
    if (found)
        found->used = ++passwords->looks;
    return found;
}

/* Whoever guesses passwords must not drive out those who know them: a wrong one goes first. */
static bool goes_before(const struct verdict *a, const struct verdict *b)
{
    if (a->used == 0 || b->used == 0)
        return a->used < b->used;
    return a->right != b->right ? b->right : a->used < b->used;
}

static void remember(struct passwords *passwords, const struct request *request, bool right)
{
    struct verdict *place = &passwords->verdicts[0];

    for (size_t i = 1; i < CACHE_ENTRIES; i++)
        if (goes_before(&passwords->verdicts[i], place))
            place = &passwords->verdicts[i];
    memcpy(place->fingerprint, request->fingerprint, KEYED_HASH_BYTES);
    place->right = right;
    place->used = ++passwords->looks;
}

/* ---- The thread -------------------------------------------------------------------------------
 */

/* The salt went in, so only what follows it tells something; and crypt_r() clears bits of its last
 * letter that mean nothing, which some who make hashes leave set. */
static bool is_right(struct passwords *passwords, const struct request *request)
{
    const char *hash = crypt_r(request->password.text, request->hash, &passwords->crypt);
    bool same =
        hash && strlen(hash) == HASH_BYTES &&
        is_same(hash + HASH_SALT_END, request->hash + HASH_SALT_END, HASH_BYTES - HASH_SALT_END);

    explicit_bzero(&passwords->crypt, sizeof(passwords->crypt));
    return same && request->known;
}

/* Many may have waited with the same password: it is looked for once more. */
static bool judge(struct passwords *passwords, const struct request *request)
{
    const struct verdict *verdict;
    bool right;

    pthread_mutex_lock(&passwords->lock);
    verdict = find_verdict(passwords, request->fingerprint);
    right = verdict && verdict->right;
    pthread_mutex_unlock(&passwords->lock);
    if (verdict)
        return right;
    right = is_right(passwords, request);
    pthread_mutex_lock(&passwords->lock);
    remember(passwords, request, right);
    pthread_mutex_unlock(&passwords->lock);
    return right;
}

/* NULL when it is time to stop and nobody waits any more. */
static struct request *next_request(struct passwords *passwords, bool *stopping)
{
    struct request *request;
    LOCK_SCOPE(&passwords->lock);

    while (!passwords->first && !passwords->stopping)
        pthread_cond_wait(&passwords->work, &passwords->lock);
    *stopping = passwords->stopping;
    request = passwords->first;
    if (!request)
        return NULL;
    passwords->first = request->next;
    if (!passwords->first)
        passwords->end = &passwords->first;
    passwords->n_waiting--;
    return request;
}

static void *run(void *arg)
{
    struct passwords *passwords = arg;
    struct request *request;
    bool stopping;

    while ((request = next_request(passwords, &stopping))) {
        request->done(request->arg, !stopping && judge(passwords, request));
        request_free(request);
    }
    return NULL;
}

/* ---- Anybody ----------------------------------------------------------------------------------
 */

struct passwords *passwords_new(struct error *err)
{
    struct passwords *passwords = calloc(1, sizeof(*passwords));

    if (!passwords) {
        error_memory(err);
        return NULL;
    }
    passwords->end = &passwords->first;
    pthread_mutex_init(&passwords->lock, NULL);
    pthread_cond_init(&passwords->work, NULL);
    if (keyed_hash_key_make(&passwords->key, err)) {
        int r = pthread_create(&passwords->thread, NULL, run, passwords);

        if (r == 0)
            return passwords;
        error_errno(err, r, "cannot start a thread");
    }
    pthread_cond_destroy(&passwords->work);
    pthread_mutex_destroy(&passwords->lock);
    free(passwords);
    return NULL;
}

void passwords_stop(struct passwords *passwords)
{
    LOCK_SCOPE(&passwords->lock);

    passwords->stopping = true;
    pthread_cond_signal(&passwords->work);
}

void passwords_free(struct passwords *passwords)
{
    passwords_stop(passwords);
    pthread_join(passwords->thread, NULL);
    pthread_cond_destroy(&passwords->work);
    pthread_mutex_destroy(&passwords->lock);
    explicit_bzero(passwords, sizeof(*passwords));
    free(passwords);
}

enum password_verdict passwords_check(struct passwords *passwords, struct web_config *config,
                                      const char *authorization,
                                      void (*done)(void *arg, bool admitted), void *arg)
{
    CLEANUP(request_freep) struct request *request = NULL;
    const struct verdict *known;

    if (config->n_users == 0)
        return PASSWORD_RIGHT;
    request = new_request(passwords, config, authorization);
    if (!request)
        return PASSWORD_WRONG;
    request->done = done;
    request->arg = arg;
    LOCK_SCOPE(&passwords->lock);
    known = find_verdict(passwords, request->fingerprint);
    if (known)
        return known->right ? PASSWORD_RIGHT : PASSWORD_WRONG;
    if (passwords->n_waiting == QUEUE_MAX || passwords->stopping)
        return PASSWORD_WRONG;
    passwords->n_waiting++;
    *passwords->end = request;
    passwords->end = &request->next;
    request = NULL;
    pthread_cond_signal(&passwords->work);
    return PASSWORD_LATER;
}
