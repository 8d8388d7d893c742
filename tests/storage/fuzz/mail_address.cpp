// SPDX-License-Identifier: Apache-2.0
// Any bytes as a mail address. Properties: what is taken has no control and is UTF-8, is written and read again as the same, and its
// folded and masked forms keep their rules; what is refused says why, in a line.
#include "storage/model/mail_address.hpp"
#include "storage/words.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <cstdint>

namespace {

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = mail_address::parse(text);
  if (!read) {
    FUZZ_CHECK(!read.error().detail.empty() && is_one_line(read.error().detail));
    return 0;
  }
  FUZZ_CHECK(size <= mail_address::octets_max && is_one_line(text) && !storage::first_bad_utf8(text));
  FUZZ_CHECK(read->text().size() <= size);
  const auto again = mail_address::parse(read->text());
  FUZZ_CHECK(again && *again == *read);

  const auto folded = read->folded();
  FUZZ_CHECK(folded.ends_with("@" + read->ascii_domain()));
  FUZZ_CHECK(storage::lower_ascii(folded) == folded);
  FUZZ_CHECK(read->ascii_domain().size() <= mail_address::domain_octets_max);
  FUZZ_CHECK(std::ranges::all_of(read->ascii_domain(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  }));
  const auto masked = read->masked();
  FUZZ_CHECK(is_one_line(masked) && !storage::first_bad_utf8(masked));
  FUZZ_CHECK(masked.size() <= 4 + std::string_view("…@").size() + read->domain().size());
  return 0;
}
