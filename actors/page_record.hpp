// SPDX-License-Identifier: Apache-2.0
// One record of the page store's file. The file is for this machine and this build: numbers are as the processor holds
// them.
#pragma once

#include "actors/file_in_memory.hpp"
#include "actors/page.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::page_record {

enum class kind : std::uint32_t {
  page = 1,       ///< a page, fresh when it was written
  stale_page = 2, ///< a page that was stale already
  erased = 3,     ///< the key is gone
  evicted = 4,    ///< what depends on the tag and was made before the sequence is stale
};

/// Stands before each record. `facts_sum` covers the fields above it and the facts; `bytes_sum` the pages' own bytes,
/// which need not be read to know that the record is whole.
struct prologue {
  std::uint32_t mark = 0;
  kind what = kind::page;
  std::uint64_t size = 0; ///< of the whole record, a multiple of 8
  std::uint64_t facts = 0;
  std::uint64_t bytes_sum = 0;
  std::uint64_t facts_sum = 0;
};

/// A record ready to be written: pieces that lie somewhere, in order. Keep the page alive until then.
struct outgoing {
  prologue first;
  std::string facts;
  std::vector<std::string_view> bytes;
  std::string_view padding;
};
outgoing of_page(const std::string& key, const page& what, bool stale);
outgoing of_erased(const std::string& key);
outgoing of_evicted(const std::string& tag, std::int64_t seq);

/// A record as read.
struct incoming {
  kind what = kind::page;
  std::uint64_t size = 0;
  std::string name;     ///< key or tag
  std::int64_t seq = 0; ///< of an eviction
  page_ptr made;        ///< its bytes are views into `from`
};

/// The record at the start of `from`, whose memory `owner` keeps. Nothing where no whole, sound record stands there.
/// `check_bytes`: reads all of a page's bytes to compare their sum too.
std::optional<incoming> read(std::string_view from, const std::shared_ptr<const file_in_memory>& owner,
                             bool check_bytes);

} // namespace lyceum::page_record
