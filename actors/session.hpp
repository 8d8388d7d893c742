// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/hasher.hpp"
#include "actors/messages.hpp"
#include "actors/page_table.hpp"
#include "actors/renderer.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace lyceum {

/// What sessions share. Outlives them.
struct session_tools {
  supervision::system& tree;
  render_desk& desk;
  hashing_desk& hashing;
  page_table& pages;
  std::size_t page_bytes_max = 256 * 1024 * 1024; ///< beyond it nothing new is kept until the page cache has made room
  std::atomic<std::uint64_t> begun = 0;           ///< sessions since start
  std::atomic<std::uint64_t> looks = 0; ///< goes up when the theme changes, before its pages are evicted: see `keep`
};

/// The life of one request: asks the database, has a missing text rendered, answers, and keeps the answer for all visitors of that
/// tier. Temporary: it is never restarted.
///
/// Crash: its visitor gets 503 at once, also while a database worker is still at its task, and nobody else notices.
caf::behavior session(caf::event_based_actor* self, job_ptr what, session_tools* tools);

/// The front end's door: every job becomes a child of `sessions`.
class session_door final : public door {
public:
  explicit session_door(supervision::system& tree) : sessions_(tree.dynamic("sessions")) {}
  void enter(job_ptr what) noexcept override;

private:
  supervision::dynamic_children sessions_;
};

} // namespace lyceum
