// SPDX-License-Identifier: Apache-2.0
// What died and why: a ring in memory, and a bounded file. Knows no CAF.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::supervision {

struct crash {
  std::chrono::system_clock::time_point at; ///< the first of a folded row
  std::chrono::system_clock::time_point last_at;
  std::string kind; ///< "crash", "start_error", "shutdown_error", "abandoned", "budget_spent", "stuck", "killed",
                    ///< "demoted", "quarantined", "process", "request"
  std::string path;
  std::uint64_t generation = 0;
  std::string reason;       ///< what(), or the exit reason
  std::string type{};       ///< of the exception: "std::runtime_error"
  std::string last_message; ///< what it was handling
  std::string state;        ///< its own summary, where it gives one
  std::string work{};       ///< label of what it worked on, where it said so
  std::string request{};    ///< id of the request that it worked for; of a folded row, the last one's
  std::chrono::milliseconds uptime{0};
  std::uint64_t mailbox = 0;
  std::string restarts;    ///< "2/5 in 30 s"
  std::string decision;    ///< "restart", "degraded for 2 s", "gone", "escalate"
  std::uint64_t times = 1; ///< how many identical ones in a row this stands for
};

/// Thread-safe. Identical crashes (same kind, path, reason, type, message) within the ring are folded into one with a count. A disk
/// that fails costs one line of warning and those lines: crash reports must never cause one.
class crash_log {
public:
  struct limits {
    std::size_t kept = 256;
    std::filesystem::path file{};                 ///< empty: memory only. One JSON object a line.
    std::size_t file_bytes_max = 8 * 1024 * 1024; ///< then it becomes `<file>.1`, which is replaced
    std::size_t text_max = 4096;                  ///< longer texts are cut
    std::chrono::milliseconds retry{30'000};      ///< a file that cannot be written is tried again after this
  };
  crash_log();
  explicit crash_log(limits of);
  void add(crash what);
  /// The last `n`, newest first.
  std::vector<crash> recent(std::size_t n) const;
  std::uint64_t total() const;

private:
  void write(const crash& what);

  const limits limits_;
  mutable std::mutex guard_;
  std::deque<crash> kept_;
  std::uint64_t total_ = 0;
  std::size_t file_bytes_ = 0;
  bool file_failed_ = false;
  bool line_cut_ = false; ///< the last line was not written whole
  std::chrono::steady_clock::time_point retry_at_{};
};

/// One crash as a line of JSON.
std::string to_json(const crash&);
/// "2026-11-23T06:00:00.123Z"
std::string utc_text(std::chrono::system_clock::time_point at);
/// Text as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

} // namespace lyceum::supervision
