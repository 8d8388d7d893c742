// SPDX-License-Identifier: Apache-2.0
// Work in flight, in a small mapped file: the next process reads there what the last one was doing when it died. Knows no CAF.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::supervision {

/// 128 slots of half a KiB. A note costs a copy into a mapped page, no system call; the page outlives the process, though not the
/// machine, which is as it should be: a power cut proves nothing against a text. A slot that was being written when the process died,
/// or whose check does not fit, is left out.
///
/// Who is guilty: a thread that dies of SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT marks its own slot in a signal handler (on a
/// stack of its own, so a stack overflow is told too), and then dies as it would have. Where none is marked (SIGKILL: out of memory, or
/// the heart's abort of a server that stands still), every piece of work that had been under way for `innocent_below` is suspected: a kill from outside finds many
/// short ones at work, which did nothing.
///
/// The file is locked by its owner. One that is owned (by a server that still drains after an upgrade) is not read; it is replaced.
class inflight {
public:
  static constexpr std::size_t slots_max =
      128; ///< more at once are not noted; only the process's own death is then missed
  static constexpr int innocent_below_ms = 500;

  struct work {
    std::string key; ///< at most 127 bytes; longer ones are cut
    std::string label;
    std::string path;
    std::string request;
    int signal = 0; ///< that its thread died of; 0: not known to be guilty
  };

  /// Opens, reads and empties `file`. With an empty path, or where it cannot be made, nothing is ever noted.
  explicit inflight(const std::filesystem::path& file);
  ~inflight();
  inflight(const inflight&) = delete;
  inflight& operator=(const inflight&) = delete;

  /// What the last owner was suspected of; empty where it ended in good order.
  const std::vector<work>& left() const noexcept { return left_; }
  /// Forgets what the last owner left, once it is counted: from here on the file is this process's own.
  void begin_own() noexcept;

  struct slot;
  /// The slot of this thread's new piece of work, or null where nothing can be noted.
  slot* begin(std::string_view key, std::string_view label, std::string_view path, std::string_view request) noexcept;
  /// Ends that, and shows `outer` as this thread's work again.
  static void end(slot* mine, slot* outer) noexcept;
  /// The work that this thread has noted; null: none.
  static slot* mine() noexcept;

  void beat() noexcept;    ///< the process lives: called a few times a second
  void leaving() noexcept; ///< it ends in good order: whatever is still in flight is innocent

private:
  struct layout;
  void read();

  layout* map_ = nullptr;
  int fd_ = -1;
  std::vector<work> left_;
};

} // namespace lyceum::supervision
