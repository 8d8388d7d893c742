// SPDX-License-Identifier: Apache-2.0
#include "actors/renderer.hpp"

#include "storage/catalogue.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

namespace lyceum {

namespace {

/// Where the text lies and how it begins: all that is known of it here.
std::string label_of(const render_input& input) {
  constexpr std::size_t most = 60;
  std::string_view first = input.markdown;
  first.remove_prefix(std::min(first.find_first_not_of(" \r\n\t"), first.size()));
  first = first.substr(0, std::min(first.find('\n'), most));
  return fmt::format("a text of {} that begins \"{}\"", input.base_path, first);
}

} // namespace

caf::behavior renderer(caf::event_based_actor* self, const render_desk* desk) {
  return {[self, desk](render_task_ptr& task) {
    auto mine = std::move(task);
    const auto note = supervision::working_on(self, "text " + storage::render_key(mine->input), label_of(mine->input));
    if (!note)
      return mine->settle(fail(problem::kind::internal, note.why()));
    if (desk->before)
      desk->before(mine->input);
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
