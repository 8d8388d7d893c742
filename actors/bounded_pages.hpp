// SPDX-License-Identifier: Apache-2.0
// Which pages to keep when they are more than the limit. Pure: knows sizes and hits, holds no page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lyceum {

/// Keeps what visitors ask for again, under a limit of bytes. A new page starts in a trial queue of a tenth of the
/// limit; who is asked for while there moves to the main queue, where being asked for since the last look earns another
/// round. So a crawler that reads every page once drives out nothing but what it brought. A page that went and is made
/// again soon after starts in the main queue: its trial was too short.
///
/// Source: S3-FIFO (Yang and others, SOSP 2023), with the table's hit counters in the place of its bits.
class bounded_pages {
public:
  using hits_of = std::function<std::uint64_t(const std::string& key)>; ///< never goes back for a key

  bounded_pages(std::size_t bytes_max, hits_of hits) : bytes_max_(bytes_max), hits_(std::move(hits)) {}

  /// A page of this size is there now (a new one, or in the place of its last version). Returns the keys that must go
  /// to make room; the key itself where it alone is larger than the limit.
  std::vector<std::string> put(const std::string& key, std::size_t bytes);
  /// It is gone for another reason. True if it was there.
  bool erase(const std::string& key);

  bool holds(const std::string& key) const { return places_.contains(key); }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return bytes_max_; }
  std::size_t size() const { return places_.size(); }

private:
  struct entry {
    std::string key;
    std::size_t bytes = 0;
    std::uint64_t hits_seen = 0; // at the last look
    bool on_trial = true;
  };
  using queue = std::list<entry>; // the oldest in front
  using place = queue::iterator;

  void make_room(std::vector<std::string>& gone);
  void evict(place which, std::vector<std::string>& gone);
  void remember(const std::string& key);

  std::size_t bytes_max_;
  hits_of hits_;
  queue trial_;
  queue main_;
  std::unordered_map<std::string, place> places_;
  std::size_t bytes_ = 0;
  std::size_t trial_bytes_ = 0;
  std::deque<std::size_t> gone_;                  // hashes of keys that went in their trial, the oldest in front
  std::unordered_multiset<std::size_t> gone_set_; // the same; at most as many as there are pages
};

} // namespace lyceum
