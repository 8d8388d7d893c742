// SPDX-License-Identifier: Apache-2.0
#include "actors/notifications.hpp"

#include "actors/page_cache.hpp"
#include "storage/account_changes.hpp"
#include "storage/catalogue.hpp"
#include "storage/changes.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <memory>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

constexpr auto reconnect_pause = 2000ms;
constexpr auto evict_max = 2s;
constexpr int batch_max = 1000;
constexpr auto wait_max = 500ms;       // for a word from PostgreSQL, in one handler
constexpr auto evictions_pause = 50ms; // until the page cache's answers are looked for again
constexpr int words_max = 1000;        // taken at once: one look serves all of them

/// A connection, and the changes that are with the page cache now. The cursor moves only when it has answered for all of them: an
/// eviction that died in its mailbox is sent again, and doing one twice costs nothing.
class follower : public std::enable_shared_from_this<follower> {
public:
  follower(caf::event_based_actor* self, const notification_options& options, supervision::system& tree,
           content_cursor& cursor, account_followers& accounts, db_worker_handle& handle)
      : self_(self), options_(options), tree_(tree), cursor_(cursor), accounts_(accounts), handle_(handle) {}
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;
  ~follower() { drop(); }

  std::string summary() const {
    return fmt::format(
        R"({{"content_seq":{},"account_seq":{},"connected":{},"listening":{},"heard":{},"evictions_under_way":{}}})",
        cursor_.seq.load(), accounts_.seq.load(), db_ ? "true" : "false", listening_ ? "true" : "false", heard_,
        waiting_);
  }

  /// Looks, or waits for a word to look for. Returns how long to leave it alone.
  std::chrono::milliseconds turn() {
    if (waiting_ > 0)
      return evictions_pause; // answers come by messages: no waiting in here
    if (told_ || !listening_ || std::chrono::steady_clock::now() >= next_look_) {
      told_ = false;
      next_look_ = std::chrono::steady_clock::now() + options_.fallback;
      if (!look())
        return reconnect_pause;
      if (!listening_)
        return options_.period;
    }
    if (waiting_ == 0)
      listen_for_a_word();
    return 0ms;
  }

  /// False while the database is away.
  bool look() {
    if (!follow_accounts()) // first, and whatever evictions are under way: a session that was ended must end
      return false;
    if (waiting_ > 0) {
      again_ = true;
      return true;
    }
    try {
      auto changes = storage::catalogue::changes_since(*db_, cursor_.seq, batch_max);
      // The cursor stands on a change that was there. Where it is not any more (old rows go; another database may have come), what
      // lies between is not known, and everything may have changed.
      if (!changes.empty() && cursor_.seq > 0) {
        const auto here = storage::catalogue::changes_since(*db_, cursor_.seq - 1, 1);
        if (here.empty() || here.front().seq != cursor_.seq)
          changes.insert(changes.begin(), {changes.front().seq - 1, "site"});
      }
      if (!changes.empty())
        evict(changes);
      return true;
    } catch (const storage::error&) { // away, or the schema is still to come
      drop();
      return false;
    }
  }

private:
  bool follow_accounts() {
    try {
      if (!db_ || !db_->healthy())
        connect();
      if (accounts_.seq < 0) {
        const auto newest = storage::account_seq(*db_);
        accounts_.unknown(); // what was read before this is older than it
        accounts_.seq = newest;
      }
      for (bool more = true; more;) {
        const auto changes = storage::account_changes_since(*db_, accounts_.seq, batch_max);
        more = changes.size() == static_cast<std::size_t>(batch_max);
        const auto newest = changes.empty() ? storage::account_seq(*db_) : changes.back().seq;
        if (newest < accounts_.seq)
          accounts_.unknown(); // another database
        if (!changes.empty() && changes.front().seq != accounts_.seq + 1)
          accounts_.unknown(); // older ones are gone
        for (const auto& one : changes)
          accounts_.changed(one.account_id);
        if (!changes.empty() || newest < accounts_.seq) // else one may have come since the look
          accounts_.seq = newest;
      }
      return true;
    } catch (const storage::error&) {
      drop();
      return false;
    }
  }

  void connect() {
    drop();
    db_ = storage::open(options_.url, storage::mode::reads);
    if (db_->kind() == storage::engine::postgres) {
      try {
        db_->listen(storage::content_channel);
        db_->listen(storage::accounts_channel);
        listening_ = true; // from before the look that follows: no change falls between the two
      } catch (const storage::unwritable&) {
        // A standby takes no LISTEN: it is asked.
      }
    }
    const std::lock_guard lock(handle_.guard);
    handle_.connection = db_.get();
  }

  void drop() {
    const std::lock_guard lock(handle_.guard);
    if (handle_.connection == db_.get()) // else it is the successor's already
      handle_.connection = nullptr;
    db_.reset();
    listening_ = false;
  }

  /// Ends early by a word, and by `interrupt`.
  void listen_for_a_word() {
    try {
      auto patience = std::chrono::milliseconds(wait_max);
      for (int i = 0; i < words_max && db_->wait_notification(patience); ++i) {
        patience = 0ms;
        told_ = true;
        ++heard_;
      }
    } catch (const storage::error&) {
      drop();
      told_ = true; // the look connects anew, or finds out that it cannot
    }
  }

  void evict(const std::vector<storage::catalogue::change>& changes) {
    auto me = shared_from_this();
    waiting_ = changes.size();
    failed_ = false;
    const auto last = changes.back().seq;
    auto& cache = tree_.named("cache/page_cache");
    for (const auto& change : changes)
      supervision::ask(
          self_, cache, evict_max, caf::make_message(evict_pages{change.tag, change.seq}),
          [me, last](std::uint64_t) { me->answered(last, true); },
          [me, last](const caf::error&) { me->answered(last, false); });
  }

  void answered(std::int64_t last, bool done) {
    failed_ = failed_ || !done;
    if (--waiting_ > 0)
      return;
    if (!failed_)
      cursor_.seq = last;
    else
      next_look_ = std::chrono::steady_clock::now() + options_.period; // the same changes again, soon
    if (std::exchange(again_, false) || !failed_)
      look(); // there may be more
  }

  caf::event_based_actor* self_;
  const notification_options& options_;
  supervision::system& tree_;
  content_cursor& cursor_;
  account_followers& accounts_;
  db_worker_handle& handle_;
  std::unique_ptr<storage::db> db_;
  bool listening_ = false;
  bool told_ = false;
  std::uint64_t heard_ = 0;
  std::chrono::steady_clock::time_point next_look_{};
  std::size_t waiting_ = 0;
  bool failed_ = false;
  bool again_ = false;
};

} // namespace

caf::behavior notifications(caf::event_based_actor* self, const notification_options* options,
                            supervision::system* tree, content_cursor* cursor, account_followers* accounts,
                            db_worker_handle* handle) {
  auto follow = std::make_shared<follower>(self, *options, *tree, *cursor, *accounts, *handle);
  supervision::on_inspect(self, [follow] { return follow->summary(); });
  self->send(self, tick_atom::value);
  return {
      [follow](look_atom) { follow->look(); },
      [self, follow](tick_atom) {
        if (const auto pause = follow->turn(); pause > 0ms)
          self->delayed_send(self, pause, tick_atom::value);
        else
          self->send(self, tick_atom::value); // behind what came meanwhile
      },
  };
}

} // namespace lyceum
