// libgit2, and zlib for the packs that Belfry writes by itself (libgit2-dev depends on zlib1g-dev).
#pragma once
#include <git2.h>
#include <git2/sys/stream.h>
#include <zlib.h>

// Swift cannot call variadic functions, so each setting that we use has a function here.

static inline int belfry_git_set_search_path(int level, const char *path) {
  return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}

static inline int belfry_git_set_template_path(const char *path) {
  return git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, path);
}

static inline int belfry_git_set_owner_validation(int enabled) {
  return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, enabled);
}

static inline int belfry_git_set_fsync(int enabled) {
  return git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, enabled);
}

static inline int belfry_git_set_open_pack_limit(size_t files) {
  return git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, files);
}

static inline int belfry_git_set_certificate_file(const char *file) {
  return git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, (const char *)0);
}

static inline int belfry_git_set_user_agent(const char *agent) {
  return git_libgit2_opts(GIT_OPT_SET_USER_AGENT, agent);
}

// A TCP connection with timeouts. The first four members are those of libgit2's own socket stream, in the same order,
// because its ssh transport hands `socket` to libssh2 from there.
typedef struct {
  git_stream parent;
  char *host;
  char *port;
  int socket;
  void *operation;
} belfry_stream;

// A macro that Swift does not import.
static inline int belfry_deflate_init(z_stream *stream, int level) { return deflateInit(stream, level); }
