// SPDX-License-Identifier: Apache-2.0
#include "actors/session.hpp"

#include "actors/db_pool.hpp"
#include "actors/hasher.hpp"
#include "actors/page_cache.hpp"
#include "actors/texts.hpp"

#include "supervision/child.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <functional>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

/// One request's state. Touched by its actor alone: what other threads find out comes back through `run_in`.
class visit : public std::enable_shared_from_this<visit> {
public:
  visit(caf::event_based_actor* self, job_ptr what, session_tools& tools)
      : self_(self), job_(std::move(what)), tools_(tools) {}

  void begin() {
    if (job_->needs != db_use::none)
      return ask();
    look_ = tools_.looks.load();
    try {
      finish(run(*job_, nullptr));
    } catch (const std::exception& fault) { // as a database worker does it: this visitor's 500
      finish(tl::unexpected(problem{problem::kind::internal, fault.what()}));
    }
  }

private:
  using answer_ptr = std::shared_ptr<expected<response>>;

  void ask() {
    look_ = tools_.looks.load();
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    submit(tools_.tree, std::make_shared<db_task>(
                            job_->needs,
                            [me, actor, job = job_](storage::db& db) {
                              auto made = std::make_shared<expected<response>>(me->run(*job, &db));
                              supervision::run_in(actor, [me, made] { me->heard(std::move(*made), false); });
                            },
                            [me, actor](const problem& why, bool lost) {
                              supervision::run_in(actor, [me, why, lost] { me->heard(tl::unexpected(why), lost); });
                            },
                            job_->deadline));
  }

  /// The handler, under a note: a request that killed the process three times is refused. Runs on a worker's thread, too.
  expected<response> run(const job& what, storage::db* db) const {
    const supervision::work_note note(&tools_.tree.poison(), "sessions", key_of(what.asked), readable(what.asked),
                                      what.asked.id);
    if (!note)
      return tl::unexpected(problem{problem::kind::unavailable, note.why(), 60s});
    return what.run(what.asked, db);
  }

  static std::string readable(const request& asked) {
    return asked.method + " " + std::string(readable_target(asked.target));
  }

  static std::string key_of(const request& asked) {
    auto key = "request " + readable(asked);
    for (const auto* hidden : {&asked.body, &asked.target}) // they tell requests apart, and may hold secrets
      if (!hidden->empty())
        key += fmt::format(" {:016x}", std::hash<std::string>{}(*hidden));
    return key;
  }

  void heard(expected<response> made, bool lost) {
    if (job_->reply->done())
      return self_->quit(); // the deadline answered
    if (!made && lost && job_->asked.method == "GET" && --tries_left_ > 0)
      return ask();
    if (!made && made.error().what == problem::kind::needs_render && --renders_left_ > 0)
      return render(made.error().detail);
    finish(std::move(made));
  }

  void render(std::string key) {
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    make_text(tools_.tree, tools_.desk, std::move(key), [me, actor](expected<void> kept) {
      supervision::run_in(actor, [me, kept] {
        // A text that is gone was replaced by an import meanwhile: the handler finds the new one.
        if (kept || kept.error().what == problem::kind::not_found)
          return me->ask();
        auto why = kept.error();
        if (why.what == problem::kind::too_large || why.what == problem::kind::invalid) {
          // Nothing that the visitor sent: an import takes no such text, so it came from an older program.
          why.what = problem::kind::internal;
          why.detail = "a text cannot be rendered: " + why.detail;
        }
        me->finish(tl::unexpected(std::move(why)));
      });
    });
  }

  /// Has slow work done, and goes on with what comes after it.
  void go_by_way_of(std::shared_ptr<detour> what) {
    if (!what->work)
      return come_to(*what);
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    submit(tools_.tree, tools_.hashing, what->work, [me, actor, what](expected<void> done, bool lost) {
      supervision::run_in(actor, [me, what, done, lost] {
        if (lost && --me->tries_left_ > 0)
          return me->go_by_way_of(what);
        if (!done)
          return me->finish(tl::unexpected(done.error()));
        me->come_to(*what);
      });
    });
  }

  void come_to(const detour& what) {
    job_->run = what.then;
    job_->needs = what.needs.value_or(job_->needs);
    begin();
  }

  void finish(expected<response> made) {
    if (made && made->by_way_of)
      return go_by_way_of(std::move(made->by_way_of));
    auto answer = made ? std::move(*made) : error(made.error());
    if (!job_->cache_key.empty()) {
      // Pages that are alike for all have one copy, under a guest's key; the others one for each tier.
      const bool alike = answer.cache.alike || answer.cache.what == cache_rule::kind::immutable;
      const auto& key = alike ? job_->alike_key : job_->cache_key;
      date(answer, key);
      keep(answer, key);
    }
    if (job_->needs == db_use::writes)
      supervision::tell(tools_.tree.named("storage/notifications"), look_atom::value); // nobody waits for its next look
    job_->reply->fulfil(std::move(answer));
    self_->quit();
  }

  response error(const problem& why) {
    if (why.what == problem::kind::internal)
      tools_.tree.crashes().add({.kind = "request",
                                 .path = "sessions",
                                 .reason = why.detail,
                                 .last_message = readable(job_->asked),
                                 .request = job_->asked.id,
                                 .decision = "500 for this request"});
    return answer_for(why);
  }

  /// Says since when the page has been as it is, for those who ask with a date (RFC 9110 8.8.2): since the question whose answer
  /// it is, or since it was made first, where a new one came out alike. Two versions of one second could not be told apart by it,
  /// so the second one has no date.
  void date(response& answer, const std::string& key) {
    const bool wanted = answer.cache.what == cache_rule::kind::page || answer.cache.what == cache_rule::kind::immutable;
    if (!wanted || answer.status != 200)
      return;
    auto since = std::chrono::floor<std::chrono::seconds>(job_->asked.now);
    if (const auto before = tools_.pages.find(key); before && before->modified_s >= 0) {
      const std::chrono::sys_seconds first{std::chrono::seconds(before->modified_s)};
      if (before->identity->body == answer.body)
        since = first;
      else if (first >= since)
        return;
    }
    answer.headers.push_back({"Last-Modified", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", since)});
  }

  /// Into the table before the answer goes out, so that whoever asks next finds it; then the page cache is told.
  void keep(const response& answer, const std::string& key) {
    const bool wanted = answer.cache.what == cache_rule::kind::page || answer.cache.what == cache_rule::kind::immutable;
    if (answer.status >= 500)
      return lead_failed(); // what was kept is served on
    if (!wanted) {          // it is no page any more
      take_out(job_->cache_key);
      take_out(job_->alike_key);
      return;
    }
    const bool room = tools_.pages.bytes() <= tools_.page_bytes_max + tools_.page_bytes_max / 8;
    auto page = room ? make_page(response(answer), job_->route, job_->asked.who) : nullptr;
    if (!page)
      return lead_failed();
    tools_.pages.put(key, page);
    // What it was before: a copy for all of what is not for all any more, or one of a tier that nobody looks for.
    if (const auto& other = page->alike ? job_->cache_key : job_->alike_key; other != key)
      if (const auto old = tools_.pages.find(other); old && old->alike != page->alike)
        take_out(other);
    // Made with the theme before, and perhaps put there after its pages were evicted: nobody else would evict this one.
    if (look_ != tools_.looks.load())
      take_out(key);
    else
      supervision::tell(tools_.tree.named("cache/page_cache"), keep_page{key, page});
  }

  /// From the table, and from what the page cache keeps for the next process.
  void take_out(const std::string& key) {
    if (tools_.pages.erase(key))
      supervision::tell(tools_.tree.named("cache/page_cache"), keep_page{key, nullptr});
  }

  void lead_failed() {
    tools_.pages.lead_failed(job_->cache_key, 1s);
    if (job_->alike_key != job_->cache_key)
      tools_.pages.lead_failed(job_->alike_key, 1s);
  }

  caf::event_based_actor* self_;
  job_ptr job_;
  session_tools& tools_;
  std::uint64_t look_ = 0;
  int tries_left_ = 3;
  int renders_left_ = 4; // a page shows at most two texts
};

} // namespace

caf::behavior session(caf::event_based_actor* self, job_ptr what, session_tools* tools) {
  tools->begun.fetch_add(1, std::memory_order_relaxed);
  // A database worker that is at its task holds the job, and with it the slot, until it is done: no visitor waits for that.
  self->attach_functor([reply = std::weak_ptr(what->reply)] {
    if (const auto open = reply.lock())
      open->lose();
  });
  if (auto* mine = supervision::find_life(self))
    mine->about(what->asked.id);
  auto life = std::make_shared<visit>(self, std::move(what), *tools);
  supervision::run_in(caf::actor_cast<caf::actor>(self), [life] { life->begin(); });
  return {[](tick_atom) {}};
}

void session_door::enter(job_ptr what) noexcept {
  try {
    sessions_.start(caf::make_message(std::move(what)));
  } catch (...) {
    // The job is dropped, and its slot answers 503.
  }
}

} // namespace lyceum
