// SPDX-License-Identifier: Apache-2.0
// What has crashed its reader too often is kept from it. Knows no CAF.
#pragma once

#include "supervision/inflight.hpp"
#include "supervision/threads.hpp"

#include <any>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::supervision {

/// Counts which message, or which named piece of work, somebody died of. The third death within an hour of the one before puts it into
/// quarantine: it is refused from then on, until an operator replays or drops it. Thread-safe.
///
///   message   known by its reader's path and its text; the reader never sees an equal one again
///   work      known by a key that its worker gives (`work_note`); the next worker is told to refuse it. Also counted when the whole
///             process dies of it, since it was noted in a mapped file (inflight.hpp)
///
/// Counts and keys survive the process in a small JSON file, replaced atomically; messages themselves are memory. A disk that fails costs
/// one line of warning and nothing else.
class quarantine {
public:
  using clock = std::chrono::system_clock;

  struct limits {
    std::filesystem::path file{};     ///< "data/quarantine.json"; empty: memory only
    std::filesystem::path inflight{}; ///< "data/run/inflight"; empty: the death of a process is not seen
    int crashes_max = 3;              ///< deaths that it takes
    std::chrono::milliseconds window = std::chrono::hours{1}; ///< longest time between two of them
    std::size_t suspects_max = 256;                           ///< the oldest makes room
    std::size_t held_max = 100;                               ///< the oldest makes room, and is free again
    std::size_t text_max = 240;                               ///< labels and reasons are cut
  };

  enum class kind { message, work };

  /// One death, and what is suspected of it.
  struct death {
    quarantine::kind kind = kind::work;
    std::string path; ///< who died
    std::string key;  ///< for a message: see `message_key`
    std::string label;
    std::string request; ///< id, where it worked for one
    std::string reason;
    std::any
        payload{}; ///< what `replay` needs; kept in memory with the last death, and with it a promise that may be inside
  };

  /// One that is suspected, or held.
  struct row {
    std::uint64_t id = 0; ///< of one that is held, counted from 1; 0: only suspected
    quarantine::kind kind = kind::work;
    std::string path, key, label, request, reason;
    int crashes = 0;
    clock::time_point first_at{}, last_at{};
    std::uint64_t refused = 0; ///< how often, since this process began
    std::any payload{};
  };

  explicit quarantine(limits of);
  quarantine() : quarantine(limits{}) {}
  ~quarantine();
  quarantine(const quarantine&) = delete;
  quarantine& operator=(const quarantine&) = delete;

  /// Equal for equal messages to the same child, whatever its generation.
  static std::string message_key(std::string_view path, std::string_view text);

  /// True while anything is held: all that a message costs meanwhile is this look.
  bool any() const noexcept { return held_count_.load(std::memory_order_relaxed) != 0; }
  bool holds_messages_of(std::string_view path) const;
  /// Why it must not be done, as a sentence, and counts the refusal; empty: it may.
  std::string refusal(kind what, std::string_view key);

  /// Counts a death. The row, if this one put it into quarantine.
  std::optional<row> died(death of);

  std::vector<row> held() const;     ///< the newest first
  std::vector<row> suspects() const; ///< the newest first
  std::optional<row> find(std::uint64_t id) const;
  /// Out of quarantine, its deaths forgotten.
  std::optional<row> release(std::uint64_t id);

  /// What the last process was doing when it died, counted already; `id` where that put it into quarantine. For reports.
  const std::vector<row>& inherited() const noexcept { return inherited_; }
  inflight& notes() noexcept { return notes_; }
  /// The process lives; also writes down, once a second, what has changed. Called by the watchdog.
  void beat();
  /// The process ends in good order.
  void leaving();

private:
  struct saved;
  std::optional<row> count(death of, clock::time_point now); // guarded
  std::string refusal_text(const row& of) const;
  void load();
  void save();

  const limits limits_;
  inflight notes_;
  mutable std::mutex guard_;
  std::mutex saving_;              ///< before `guard_`
  std::list<row> suspects_, held_; ///< the oldest first
  std::uint64_t ids_ = 0;
  std::atomic<std::size_t> held_count_ = 0;
  std::atomic<bool> changed_ = false;
  std::chrono::steady_clock::time_point saved_at_{};
  bool save_failed_ = false;
  std::vector<row> inherited_;
};

std::string_view name_of(quarantine::kind);

/// "I am working on this": lives on the stack of whoever does the work, on the thread that does it. False: it is in quarantine, and
/// `why()` is the answer to give instead. Notes nest. Costs a look-up where something is held, and a copy into the mapped file.
class work_note {
public:
  /// `in` null: outside a tree, where nothing is counted.
  work_note(quarantine* in, std::string_view path, std::string key, std::string label, std::string request = {});
  ~work_note();
  work_note(const work_note&) = delete;
  work_note& operator=(const work_note&) = delete;

  explicit operator bool() const noexcept { return why_.empty(); }
  const std::string& why() const noexcept { return why_; }

private:
  quarantine* in_;
  work_in_hand what_;
  std::string why_;
  const work_in_hand* outer_ = nullptr;
  inflight::slot* slot_ = nullptr;
  inflight::slot* outer_slot_ = nullptr;
  int thrown_ = 0;
};

/// The innermost work on this thread that an exception ended; nothing if none did since `forget_failed_work`.
std::optional<work_in_hand> take_failed_work();
namespace detail {
inline thread_local bool work_has_failed = false;
void drop_failed_work() noexcept;
} // namespace detail
inline void forget_failed_work() noexcept {
  if (detail::work_has_failed)
    detail::drop_failed_work();
}

} // namespace lyceum::supervision
