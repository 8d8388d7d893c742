// SPDX-License-Identifier: Apache-2.0
#include "actors/hasher.hpp"

#include "supervision/child.hpp"

#include <fmt/format.h>

namespace lyceum {

caf::behavior hasher(caf::event_based_actor*) {
  return {[](hash_task_ptr& task) {
    const auto mine = std::move(task);
    mine->perform();
  }};
}

void submit(supervision::system& tree, hashing_desk& desk, std::function<void()> work, hash_task::answer done) {
  auto task = std::make_shared<hash_task>(desk, std::move(work), std::move(done));
  if (desk.at_hand.load(std::memory_order_relaxed) > desk.hashers + desk.waiting_max)
    return task->settle(fail(problem::kind::unavailable, "Too many people sign in at once."), false);
  const auto first = desk.next.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < desk.hashers; ++i) {
    auto& route = tree.named(fmt::format("accounts/hasher-{}", (first + i) % desk.hashers + 1));
    if (route.current().state == supervision::route_state::up || i + 1 == desk.hashers) {
      supervision::tell(route, std::move(task));
      return;
    }
  }
}

} // namespace lyceum
