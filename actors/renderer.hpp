// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <cstddef>
#include <functional>

namespace lyceum {

/// The renderers of a tree and what waits for them. Outlives them.
struct render_desk {
  std::size_t renderers = 2;     ///< rendering/renderer-1 … renderer-N
  std::size_t waiting_max = 512; ///< over all; more are answered `unavailable`
  std::atomic<std::size_t> next = 0;
  std::function<void(const render_input&)> before{}; ///< sees each text first: texts that fail on purpose, in tests
};

/// Markdown to HTML: takes bytes and gives bytes. Detached, since cmark cannot be interrupted.
///
///   render_task_ptr   rendered and settled
///
/// Crash: its task and those in its mailbox fail as lost, and are asked again by whoever wanted them. A text that crashed renderers, or
/// the whole process, three times is in quarantine: refused as `internal`, with a sentence that says so.
caf::behavior renderer(caf::event_based_actor* self, const render_desk* desk);

/// Gives a task to a renderer that runs, in turn. Any thread.
void submit(supervision::system& tree, render_desk& desk, render_task_ptr task);

} // namespace lyceum
