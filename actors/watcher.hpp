// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "supervision/system.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace lyceum {

/// Wakes a watcher out of its wait; its `interrupt`. Outlives it.
class wake_up {
public:
  wake_up();
  ~wake_up();
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;
  void ring() noexcept;
  void drain() noexcept;
  int fd() const noexcept { return fd_; }

private:
  int fd_;
};

struct watcher_options {
  std::filesystem::path content;
  std::function<void(const std::string&)> log;
};

/// Follows the content folder by inotify and tells the importer which files changed, once they have been quiet for 20 ms (at most
/// 200 ms after the first). Folders that are made later are followed too. Where the kernel lost events, or the folder itself is another
/// one than before (moved away, put back, a link that leads elsewhere), everything is imported. Where the kernel has no watches left,
/// everything is imported every 10 s instead.
///
/// Detached: it waits for the kernel.
/// Crash: the successor asks for a whole import, so nothing that changed meanwhile is missed.
caf::behavior watcher(caf::event_based_actor* self, const watcher_options* options, supervision::system* tree,
                      wake_up* bell);

} // namespace lyceum
