// SPDX-License-Identifier: Apache-2.0
#include "actors/session_keeper.hpp"

#include "supervision/child.hpp"

#include <fmt/format.h>

namespace lyceum {
namespace {

constexpr std::chrono::seconds pause{30};

} // namespace

caf::behavior session_keeper(caf::event_based_actor* self, session_table* table) {
  supervision::on_inspect(self, [table] { return fmt::format(R"({{"sessions":{}}})", table->size()); });
  self->delayed_send(self, pause, tick_atom::value);
  return {[self, table](tick_atom) {
    table->expire(micros(now_utc()));
    self->delayed_send(self, pause, tick_atom::value);
  }};
}

} // namespace lyceum
