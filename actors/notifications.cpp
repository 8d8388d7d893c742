// SPDX-License-Identifier: Apache-2.0
#include "actors/notifications.hpp"

#include "actors/page_cache.hpp"
#include "storage/catalogue.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <memory>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

constexpr auto reconnect_pause = 2000ms;
constexpr auto evict_max = 2s;
constexpr int batch_max = 1000;

/// A connection, and the changes that are with the page cache now. The cursor moves only when it has answered for all of them: an
/// eviction that died in its mailbox is sent again, and doing one twice costs nothing.
class follower : public std::enable_shared_from_this<follower> {
public:
  follower(caf::event_based_actor* self, const notification_options& options, supervision::system& tree,
           content_cursor& cursor)
      : self_(self), options_(options), tree_(tree), cursor_(cursor) {}

  std::string summary() const {
    return fmt::format(R"({{"content_seq":{},"connected":{},"evictions_under_way":{}}})", cursor_.seq.load(),
                       db_ ? "true" : "false", waiting_);
  }

  /// False while the database is away.
  bool look() {
    if (waiting_ > 0) {
      again_ = true;
      return true;
    }
    try {
      if (!db_ || !db_->healthy()) {
        db_.reset();
        db_ = storage::open(options_.url, storage::mode::reads);
      }
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
      db_.reset();
      return false;
    }
  }

private:
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
    if (std::exchange(again_, false) || !failed_)
      look(); // there may be more
  }

  caf::event_based_actor* self_;
  const notification_options& options_;
  supervision::system& tree_;
  content_cursor& cursor_;
  std::unique_ptr<storage::db> db_;
  std::size_t waiting_ = 0;
  bool failed_ = false;
  bool again_ = false;
};

} // namespace

caf::behavior notifications(caf::event_based_actor* self, const notification_options* options,
                            supervision::system* tree, content_cursor* cursor) {
  auto follow = std::make_shared<follower>(self, *options, *tree, *cursor);
  supervision::on_inspect(self, [follow] { return follow->summary(); });
  self->send(self, tick_atom::value);
  return {
      [follow](look_atom) { follow->look(); },
      [self, follow, options](tick_atom) {
        const auto pause = follow->look() ? options->period : reconnect_pause;
        self->delayed_send(self, pause, tick_atom::value);
      },
  };
}

} // namespace lyceum
