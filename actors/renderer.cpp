// SPDX-License-Identifier: Apache-2.0
#include "actors/renderer.hpp"

#include <fmt/format.h>

namespace lyceum {

caf::behavior renderer(caf::event_based_actor*) {
  return {[](render_task_ptr& task) {
    auto mine = std::move(task);
    mine->settle(views::render_lesson(mine->input, mine->colours));
  }};
}

void submit(supervision::system& tree, render_desk& desk, render_task_ptr task) {
  std::uint64_t waiting = 0;
  for (const auto& node : tree.states().below("rendering"))
    waiting += node.mailbox;
  if (waiting > desk.waiting_max)
    return task->settle(fail(problem::kind::unavailable, "The renderers are busy."));
  const auto first = desk.next.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < desk.renderers; ++i) {
    auto& route = tree.named(fmt::format("rendering/renderer-{}", (first + i) % desk.renderers + 1));
    if (route.current().state == supervision::route_state::up || i + 1 == desk.renderers) {
      supervision::tell(route, std::move(task));
      return;
    }
  }
}

} // namespace lyceum
