// SPDX-License-Identifier: Apache-2.0
// Octets on their way out of a connection.
#pragma once

#include "actors/page_table.hpp"
#include "storage/model/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

namespace lyceum::http {

/// An open file, closed with the last who holds it.
class open_file {
public:
  /// -1 in `fd` where there is no such regular file.
  explicit open_file(const std::string& path);
  ~open_file();
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  int fd = -1;
  std::int64_t bytes = 0;
  unix_time modified{};
};

/// What is still to be sent. Empty, it costs one pointer.
class output {
public:
  bool empty() const noexcept { return !queue_ || queue_->at == queue_->pieces.size(); }
  /// Octets that are still to be sent.
  std::size_t left() const noexcept;
  void add(std::string octets);
  void add(std::string_view octets, std::shared_ptr<const void> owner);
  void add_file(std::shared_ptr<open_file>, std::int64_t first, std::int64_t length);

  enum class sent { all, some, none, failed };
  /// Sends what the kernel takes, at most about 1 MiB. `some`: the rest waits for room. Counts octets in `bytes`.
  sent send_to(int fd, std::uint64_t& bytes);

private:
  struct piece {
    std::string own;
    std::string_view octets; ///< used where `owner` is set
    std::shared_ptr<const void> owner;
    std::shared_ptr<open_file> file;
    std::int64_t first = 0; ///< of `file`, or how much of the octets is gone
    std::int64_t left = 0;
    std::string_view rest() const;
  };
  struct queue {
    std::vector<piece> pieces;
    std::size_t at = 0;
  };
  queue& pieces();
  long send_octets(int fd);
  long send_file(int fd);

  std::unique_ptr<queue> queue_;
};

/// Answers from the page table that go out with one system call.
class gather {
public:
  static constexpr std::size_t answers_max = 32;

  struct item {
    std::string_view target, method, route;
    std::uint64_t bytes = 0;
    std::uint16_t status = 0;
  };

  bool empty() const noexcept { return items_ == 0; }
  bool full() const noexcept { return items_ == answers_max; }
  /// `start` is copied where it cannot be sent at once; `octets` are held with their page. `body`: where their end can be
  /// taken from without a copy, or null.
  void add(std::string_view start, std::string_view connection_line, std::string_view octets, const page* what, item,
           const page_bytes* body = nullptr);

  /// Sends all of it; what is left is put to `rest`. False where the connection is broken.
  bool send_to(int fd, page_table::reader&, output& rest);
  const item* begin() const noexcept { return list_.data(); }
  const item* end() const noexcept { return list_.data() + items_; }
  void clear() noexcept { items_ = pieces_ = total_ = 0; }
  std::size_t total() const noexcept { return total_; }

private:
  void put(std::string_view octets, const page* what);
  long send_with_file(int fd);

  std::array<iovec, answers_max * 3> vectors_{};
  std::array<const page*, answers_max * 3> pages_;
  std::array<item, answers_max> list_;
  const page_bytes* file_ = nullptr; ///< of the first answer
  std::size_t items_ = 0, pieces_ = 0, total_ = 0;
};

} // namespace lyceum::http
