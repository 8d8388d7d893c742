// SPDX-License-Identifier: Apache-2.0
// One JSON line for each answer, written by a thread of its own.
#pragma once

#include "http/address.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lyceum::http {

enum class kept_as : std::uint8_t { none, hit, miss, stale };

/// What one line tells. `target` and `route` are copied, at most 512 bytes of each.
struct log_entry {
  std::int64_t time_us = 0; ///< unix microseconds of the answer
  std::uint64_t id = 0;     ///< 0: none (hits have none)
  std::uint64_t bytes = 0;  ///< with the head
  std::uint64_t duration_us = 0;
  ip_address peer;
  std::uint16_t status = 0;
  kept_as cache = kept_as::none;
  std::string_view method; ///< of a method that is served, a literal; else empty
  std::string_view target;
  std::string_view route;
};

/// Lines from one loop to the writer: 512 KiB, one writer and one reader, no lock. What finds no room is dropped.
class log_ring {
public:
  log_ring();
  bool put(const log_entry&) noexcept;       ///< by the loop
  bool take(log_entry&, std::string& texts); ///< by the writer; false when empty. The entry's views point into `texts`
  std::size_t filled() const noexcept;

  static constexpr std::size_t bytes = 512 * 1024;
  static constexpr std::size_t text_max = 512;

private:
  void write(std::uint64_t at, const void* from, std::size_t n) noexcept;
  void read(std::uint64_t at, void* to, std::size_t n) const noexcept;

  std::unique_ptr<char[]> data_;
  alignas(64) std::atomic<std::uint64_t> written_ = 0;
  alignas(64) std::atomic<std::uint64_t> read_ = 0;
};

/// The text of lines.
class log_lines {
public:
  void append(std::string& to, const log_entry&);

private:
  std::int64_t second_ = 0;
  std::string day_, peer_text_;
  ip_address peer_;
};

/// The writer. To standard output, or to a file that is renamed to FILE.1, FILE.2 … when it is full.
class access_log {
public:
  /// Throws std::runtime_error where the file cannot be opened.
  /// `files_max`: with the one being written; the oldest goes when there would be more.
  access_log(std::string where, std::size_t bytes_max, std::size_t files_max, std::size_t rings);
  ~access_log(); ///< writes what is left
  access_log(const access_log&) = delete;
  access_log& operator=(const access_log&) = delete;

  log_ring& ring(std::size_t i) noexcept { return *rings_[i]; }
  /// Wakes the writer before its time. Any thread.
  void hurry() noexcept;

private:
  void run();
  bool drain();
  void flush();
  void open_file();
  bool was_moved() const;
  void rotate();

  std::string where_;
  std::size_t bytes_max_;
  std::size_t files_max_;
  std::vector<std::unique_ptr<log_ring>> rings_;
  log_lines lines_;
  std::string text_;
  std::size_t file_bytes_ = 0;
  int file_ = -1;
  int wake_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread writer_;
};

/// `text` for the inside of a JSON string; what is not ASCII, or a control, becomes an escape.
void append_json_escaped(std::string& to, std::string_view text);

} // namespace lyceum::http
