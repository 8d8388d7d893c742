// SPDX-License-Identifier: Apache-2.0
// Finished pages on disk, so that a process that was killed a moment ago begins warm. Knows neither CAF nor Beast.
#pragma once

#include "actors/page_table.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lyceum {

namespace page_record {
struct outgoing;
}

/// One file, `pages`, in a folder of its own. Pages and evictions are appended as they happen, each in one write; at
/// the start the file is mapped, and a page's bytes are read from disk when somebody asks for it. A loss of any kind
/// costs renders, never an answer: no function here throws for what the disk does, and a failed write ends the store
/// with one line to the log.
///
/// - The torn end that a kill leaves is cut off. After the machine itself has been restarted all bytes are compared
/// with
///   their checksums, since the kernel may not have written what it promised.
/// - Written for another `fingerprint` (build, theme, base URL, …) or by another version, it starts empty. One that `inherits`
///   takes what another build wrote for the same `family`, too: stale, so that each page is served while it is made anew; what is
///   named by its content, fresh.
/// - Only one process writes. Another one (the new server of an upgrade, while the old one drains) reads what is there,
/// and
///   writes from the first `rewrite` after the lock is free: `let_go`, or the other one's end. A file that may still be mapped by
///   another process is never shortened below what that one found in it, only replaced.
/// - The file has at most twice the bytes of the pages in it, and 4 MiB: `wants_rewrite`. Pages served from the map
/// keep the old
///   file's space until they are replaced.
/// Thread-safe: like the table it outlives the actor that writes it, whose last write may still run beside its
/// successor's first.
class page_store {
public:
  using log_line = std::function<void(const std::string&)>; ///< a sentence for the operator
  static constexpr std::uint64_t slack_bytes = std::uint64_t{4} << 20;

  struct kept {
    std::string key;
    page_ptr what;
    bool stale = false; ///< when written, or since then by an eviction
  };

  /// What pages of another build must have in common with ours to be of use.
  struct kinship {
    std::string_view family;
    bool inherits; ///< false in a kinship of nothing, `{}`
  };
  page_store(std::filesystem::path folder, std::string_view fingerprint, log_line log, kinship of = {});
  ~page_store();
  page_store(const page_store&) = delete;
  page_store& operator=(const page_store&) = delete;

  /// What the file held at the start, the least recently written first; empty when called again.
  std::vector<kept> take();

  void put(const std::string& key, const page& what, bool stale = false);
  void erase(const std::string& key);
  /// Writes that what depends on `tag` is stale, so that a restarted process knows it too. `seq` as in
  /// `page_table::mark_stale`.
  void evicted(const std::string& tag, std::int64_t seq);

  /// True when half of the file is dead, or the lock that another process held is free. Cheap; ask now and then.
  bool wants_rewrite();
  /// Writes a file of these pages alone and puts it in the place of the old one.
  void rewrite(const std::vector<page_table::entry>& pages);

  /// Stops writing, and lets another process write: this one is on its way out. What changes from here on is found by that one in
  /// the database.
  void let_go();

  /// The highest content sequence that the file tells of. Content that is newer changed while no server was looking:
  /// whoever starts the site marks everything older as stale.
  std::int64_t newest_seq() const;

  struct figures {
    bool writing = false; ///< false: another process is, or a write failed
    std::uint64_t file_bytes = 0;
    std::uint64_t live_bytes = 0;
  };
  figures now() const;

private:
  void open();
  void begin_anew();
  bool try_lock();
  void load(int file, std::uint64_t size, bool trusted, bool kin);
  void append(const page_record::outgoing& what);
  void account(const std::string& key, std::uint64_t bytes);
  void give_up(const std::string& doing, int fault);

  mutable std::mutex guard_;
  std::filesystem::path folder_;
  std::string fingerprint_;
  std::string family_;
  bool inherits_;
  log_line log_;
  int lock_ = -1;
  int file_ = -1;        // -1: not writing (another process is, or a write failed)
  bool gave_up_ = false; // or let go: never again
  std::vector<kept> loaded_;
  std::unordered_map<std::string, std::uint64_t> records_; // bytes of each key's last record
  std::uint64_t file_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::int64_t newest_seq_ = 0;
};

} // namespace lyceum
