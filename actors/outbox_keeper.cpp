// SPDX-License-Identifier: Apache-2.0
#include "actors/mailer.hpp"

#include "storage/outbox.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace outbox = storage::outbox;

constexpr auto standby_pause = 250ms;
constexpr auto reconnect_pause = 2000ms;
constexpr auto look_period = 1000ms;     // while something is due, or nobody could tell that it is
constexpr auto fallback_period = 5000ms; // where PostgreSQL tells, in case that a word was lost
constexpr auto wait_max = 500ms;         // for a word from PostgreSQL, in one handler
constexpr auto count_period = 5000ms;
constexpr auto forget_period = 10min;
constexpr int words_max = 1000; // taken at once: one look serves all of them

class keeper {
public:
  keeper(mail_desk& desk, supervision::system& tree) : desk_(desk), tree_(tree) {}
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;
  ~keeper() { drop(); }

  std::string summary() const {
    const auto facts = desk_.health.facts();
    return fmt::format(
        R"({{"step":"{}","connected":{},"listening":{},"waiting":{},"delivering":{},"woken":{},"forgotten":{}}})",
        step_, db_ ? "true" : "false", listening_ ? "true" : "false", facts.waiting,
        is_delivering(facts) ? "true" : "false", woken_, forgotten_);
  }

  /// Something was put. Where a word is being waited for, it has come, or comes, that way too.
  void tell() {
    told_ = true;
    if (!listening_)
      turn();
  }

  /// Looks, or waits for a word to look for. Returns how long to leave it alone.
  std::chrono::milliseconds turn() {
    if ((desk_.active && !desk_.active()) || (desk_.schema_ready && !desk_.schema_ready())) {
      step_ = "stands by";
      return standby_pause;
    }
    try {
      if (!db_ || !db_->healthy())
        connect();
      if (std::exchange(told_, false) || clock::now() >= next_look_)
        look();
      if (clock::now() >= next_count_)
        count();
      if (clock::now() >= next_forget_)
        forget();
      step_ = "watches";
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(
          std::clamp<clock::duration>(next_look_ - clock::now(), 1ms, look_period));
      if (!listening_)
        return rest;
      hear(std::min<std::chrono::milliseconds>(rest, wait_max));
      return 0ms;
    } catch (const storage::outage&) {
      drop();
      step_ = "waits for the database";
    } catch (const storage::unwritable&) {
      step_ = "waits until the database can be written";
    } catch (const storage::retry&) {
      return busy();
    } catch (const storage::timeout&) {
      return busy();
    } catch (const storage::interrupted&) {
      return busy();
    }
    desk_.health.database(false, now_utc());
    return reconnect_pause;
  }

private:
  std::chrono::milliseconds busy() {
    step_ = "waits for another writer";
    return look_period;
  }

  void connect() {
    drop();
    try {
      db_ = storage::open(desk_.url, storage::mode::writes);
    } catch (const storage::error& wrong) { // whatever it is, a restart would not mend it
      throw storage::outage(wrong.query(), wrong.what());
    }
    if (db_->kind() == storage::engine::postgres) {
      db_->listen(outbox::mail_channel);
      listening_ = true; // from before the look that follows: no mail falls between the two
    }
    desk_.keeper.hold(db_.get());
    told_ = true;
  }

  void drop() {
    desk_.keeper.let_go(db_.get());
    db_.reset();
    listening_ = false;
  }

  void look() {
    const auto now = now_utc();
    const auto due = outbox::next_due(*db_, now);
    desk_.health.database(true, now);
    std::chrono::milliseconds pause = listening_ ? fallback_period : look_period;
    if (due && *due <= now) {
      wake();
      pause = look_period; // what is due may wait for the host, or for the rate
    } else if (due) {
      pause = std::min(pause, std::chrono::ceil<std::chrono::milliseconds>(*due - now));
    }
    next_look_ = clock::now() + pause;
  }

  void wake() {
    ++woken_;
    for (std::size_t i = 0; i < desk_.workers.size(); ++i)
      if (!desk_.workers[i].woken.exchange(true) &&
          !supervision::tell(tree_.named(fmt::format("mail/smtp-{}", i + 1)), look_atom::value))
        desk_.workers[i].woken = false;
  }

  void count() {
    next_count_ = clock::now() + count_period;
    std::vector<mail_figures::row> rows;
    for (auto& one : outbox::counts(*db_))
      rows.push_back({std::move(one.template_name), one.state, one.mails});
    std::vector<std::string> paused;
    for (auto& one : outbox::list_pauses(*db_))
      paused.push_back(std::move(one.template_name));
    desk_.health.counted(std::move(rows), outbox::oldest_waiting(*db_, now_utc()), std::move(paused));
    judge(now_utc());
  }

  /// Says once that mail is late, and once that it is not any more.
  void judge(unix_time now) {
    const auto facts = desk_.health.facts();
    const bool late = is_late(facts, now);
    if (desk_.late.exchange(late) == late)
      return;
    std::string detail;
    for (const auto& one : troubles_of(facts, now))
      detail += (detail.empty() ? "" : "; ") + one.detail;
    if (!late)
      detail = "no mail is late any more";
    if (const auto& say = late ? desk_.warn : desk_.log)
      say((late ? "mail is late: " : "resolved: ") + detail);
    if (desk_.alert)
      desk_.alert({late, std::move(detail), now});
  }

  void forget() {
    const auto gone = outbox::forget(*db_, now_utc() - mail_kept);
    forgotten_ += static_cast<std::uint64_t>(gone);
    next_forget_ = gone == outbox::forget_max ? clock::now() : clock::now() + forget_period; // piece by piece
  }

  /// Ends early by a word, and by `interrupt`.
  void hear(std::chrono::milliseconds patience) {
    for (int i = 0; i < words_max && db_->wait_notification(patience); ++i) {
      patience = 0ms;
      told_ = true;
    }
  }

  mail_desk& desk_;
  supervision::system& tree_;
  std::unique_ptr<storage::db> db_;
  bool listening_ = false;
  bool told_ = false;
  const char* step_ = "starts";
  std::uint64_t woken_ = 0;
  std::uint64_t forgotten_ = 0;
  clock::time_point next_look_{};
  clock::time_point next_count_{};
  clock::time_point next_forget_ = clock::now() + 1min;
};

} // namespace

caf::behavior outbox_keeper(caf::event_based_actor* self, mail_desk* desk, supervision::system* tree) {
  auto keep = std::make_shared<keeper>(*desk, *tree);
  supervision::on_inspect(self, [keep] { return keep->summary(); });
  const auto turn = [self, keep] {
    if (const auto pause = keep->turn(); pause > 0ms)
      self->delayed_send(self, pause, tick_atom::value);
    else
      self->send(self, tick_atom::value); // behind what came meanwhile
  };
  self->send(self, tick_atom::value);
  return {
      [keep](look_atom) { keep->tell(); },
      [turn](tick_atom) { turn(); },
  };
}

} // namespace lyceum
