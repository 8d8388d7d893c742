// SPDX-License-Identifier: Apache-2.0
// What passes between the front end and the actors. Knows neither CAF nor Beast.
#pragma once

#include "storage/model/access.hpp"
#include "storage/model/expected.hpp"
#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::storage {
class db;
}

namespace lyceum {

struct header {
  std::string name; ///< as sent; compare with `iequals`
  std::string value;
};

/// True where both are equal, ASCII letters compared without case.
bool iequals(std::string_view a, std::string_view b);

/// One request, admitted: framing, Host and target have been checked (http/admission.hpp).
struct request {
  std::string method; ///< upper case; HEAD is told to handlers as GET with `head` set
  bool head = false;
  std::string target; ///< as sent
  std::string path;   ///< decoded once, normalised, starts with '/', valid UTF-8, no NUL
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order, at most 200
  std::vector<std::pair<std::string, std::string>> params; ///< from the route's pattern: (":slug" → "slug", value)
  std::vector<header> headers;
  std::string body;
  std::string language; ///< from the URL's first part, lower case; empty: the default language
  std::string id;       ///< request id: 16 hexadecimal digits
  std::string peer;     ///< address of the visitor
  bool local = false;   ///< loopback in the sense of ARCHITECTURE.md ("Loopback only")
  std::string
      session; ///< hash of the session's token that the browser sent, 64 hexadecimal digits; empty: none. Not judged
  viewer who;  ///< what may be read; for rows that are kept, as the session table has it
  lyceum::id account = 0; ///< whose `session` is, where `who` was asked for; 0: a guest's
  unix_time now{};

  std::string_view param(std::string_view name) const; ///< empty where the route has no such part
  std::string_view field(std::string_view name) const; ///< first header of that name, or empty
  std::optional<std::string_view> query_value(std::string_view name) const;
};

/// A request's target as logs, crash reports and operators may read it: without the token of a mailed link, which opens an account for 15
/// minutes, and without the signature of a file's URL.
std::string_view readable_target(std::string_view target);

/// A file to send, with Range handled by the connection.
struct file_body {
  std::string path; ///< absolute
  std::int64_t bytes = 0;
  std::string etag;     ///< strong, with its quotes
  unix_time modified{}; ///< left out: the connection looks at the file that it opens
};

/// How an answer may be kept.
struct cache_rule {
  enum class kind {
    never,     ///< personal or a passing state: `no-store`
    page,      ///< a page: kept in the page table, `public, no-cache` (or `private` for a tier) with an ETag
    immutable, ///< named by its content: kept in the page table, one year
    file,      ///< media: not in the page table, `public, no-cache` with an ETag
  };
  kind what = kind::never;
  std::vector<std::string> tags;        ///< what the page depends on: "lesson:…", "course:…", "text:…", "site"
  std::optional<unix_time> fresh_until; ///< when something scheduled will change it
  std::int64_t content_seq = 0;         ///< the content's sequence number when the handler read it
  bool alike = false; ///< nothing in it depends on who asks: one copy serves every tier. Where in doubt, false
};

struct detour;

struct response {
  int status = 200;
  std::string content_type = "text/html; charset=utf-8";
  std::vector<header> headers; ///< besides those that every answer has; never Content-Length, Date, ETag
  std::string body;
  std::optional<file_body> file; ///< instead of `body`
  cache_rule cache;
  bool close = false;                ///< the connection ends after it
  std::string kept;                  ///< "hit", "miss", "stale", "none": for the access log
  std::shared_ptr<detour> by_way_of; ///< not an answer yet: something slow comes first
};

/// What a route's handler needs from the database.
enum class db_use { none, reads, writes };

/// What a problem looks like from outside: status, Retry-After or Location. The body is left to the front end's error page.
response answer_for(const problem&);

/// A route's handler: a plain function, run by a database worker (or, with `db_use::none`, by the session itself,
/// where `db` is null). Problems become error pages; `needs_render` makes the session render that text and ask again.
using handler = std::function<expected<response>(const request&, storage::db*)>;

/// Slow work without a database between two handlers, such as hashing a password: a worker of `accounts` does it, two at a time, and then
/// `then` is called as the route's handler was, with a transaction of its own. What both share they share by pointer. At most 16 wait;
/// one more is `unavailable`.
struct detour {
  std::function<void()> work; ///< what it throws is a 500; empty: nothing, and `then` is called with what it needs
  handler then;
  std::optional<db_use> needs = {}; ///< of `then`; absent: as the row
};

/// The way back to a connection: an answer, exactly once. Made by the front end, fulfilled on any thread.
/// A slot that is dropped without an answer answers 503 by itself, so a crash anywhere on the way is an error page
/// at once and never a silence.
class reply_slot {
public:
  using deliver = std::function<void(response&&)>; ///< posts to the connection's loop; must not throw

  explicit reply_slot(deliver to) : to_(std::move(to)) {}
  reply_slot(const reply_slot&) = delete;
  reply_slot& operator=(const reply_slot&) = delete;
  ~reply_slot();

  /// True for the first call, which delivers; later ones do nothing. Any thread.
  bool fulfil(response&& answer);
  /// Answers 503 at once, as dropping does, where others still hold the slot and nobody is left to use it. Any thread.
  bool lose();
  /// True once answered (also by the front end's own deadline, which fulfils with 504).
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }

private:
  deliver to_;
  std::atomic<bool> done_ = false;
};
using reply_ptr = std::shared_ptr<reply_slot>;

/// One request on its way through the actors.
struct job {
  request asked;
  handler run;
  db_use needs = db_use::reads;
  std::string cache_key; ///< empty: the answer is never kept
  std::string alike_key; ///< where an answer is kept that is alike for every tier; a guest's `cache_key`
  std::string route;     ///< the pattern, for metrics and logs: "/courses/:course"
  std::chrono::steady_clock::time_point deadline; ///< past it nobody waits any more
  reply_ptr reply;
};
using job_ptr = std::shared_ptr<job>;

/// Where the front end hands a request over. Never blocks, never throws; a job that cannot be taken is dropped, and its slot
/// answers 503.
class door {
public:
  virtual ~door() = default;
  virtual void enter(job_ptr) noexcept = 0;
};

} // namespace lyceum
