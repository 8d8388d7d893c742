// SPDX-License-Identifier: Apache-2.0
#include "actors/session_keeper.hpp"

#include "actors/db_pool.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

constexpr auto look_pause = 1s;
constexpr int looks_between_expiries = 30;
constexpr std::size_t batch_max = 200; // some 20 ms of the database

class keeping : public std::enable_shared_from_this<keeping> {
public:
  keeping(caf::event_based_actor* self, const session_keeping& what, supervision::system& tree)
      : self_(self), what_(what), tree_(tree) {}

  std::string summary() const {
    return fmt::format(R"({{"sessions":{},"told_in_use":{},"not_told":{}}})", what_.table->size(), told_, lost_);
  }

  void look() {
    if (++looks_ % looks_between_expiries == 0)
      what_.table->expire(micros(now_utc()));
    if (!telling_)
      tell();
  }

private:
  void tell() {
    auto used = what_.table->take_used(batch_max);
    telling_ = !used.empty();
    if (!telling_)
      return;
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    const auto count = used.size();
    submit(tree_, std::make_shared<db_task>(
                      db_use::writes,
                      [me, actor, used = std::move(used)](storage::db& db) {
                        for (const auto& one : used)
                          me->what_.renew(session_text(one), db);
                        supervision::run_in(actor, [me, n = used.size()] {
                          me->told_ += n;
                          me->tell(); // there may be more
                        });
                      },
                      [me, actor, count](const problem&, bool) {
                        supervision::run_in(actor, [me, count] {
                          me->lost_ += count; // a minute later they are noted again
                          me->telling_ = false;
                        });
                      }));
  }

  caf::event_based_actor* self_;
  const session_keeping& what_;
  supervision::system& tree_;
  int looks_ = 0;
  bool telling_ = false;
  std::size_t told_ = 0;
  std::size_t lost_ = 0;
};

} // namespace

caf::behavior session_keeper(caf::event_based_actor* self, const session_keeping* what, supervision::system* tree) {
  auto keep = std::make_shared<keeping>(self, *what, *tree);
  supervision::on_inspect(self, [keep] { return keep->summary(); });
  self->delayed_send(self, look_pause, tick_atom::value);
  return {[self, keep](tick_atom) {
    keep->look();
    self->delayed_send(self, look_pause, tick_atom::value);
  }};
}

} // namespace lyceum
