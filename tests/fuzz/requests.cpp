// SPDX-License-Identifier: Apache-2.0
// Octets to requests. Properties: the cut of the pieces does not matter; what is admitted keeps the rules; and Beast's
// parser, an independent reader of the same grammar, sees the same requests with the same bodies in all that we admit.

#include "check.hpp"
#include "tests/http/reader.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>

namespace {

using namespace lyceum::http;
namespace beast_http = boost::beast::http;

/// True where Beast reads the first request of `octets` as `target` and `body`, and ends where we do.
void agree_with_beast(std::string_view octets, const std::string& target, const std::string& body, std::size_t used) {
  try {
    beast_http::request_parser<beast_http::string_body> parser;
    parser.header_limit(1 << 20);
    parser.body_limit(1 << 24);
    boost::beast::error_code error;
    std::size_t at = 0;
    parser.eager(true);
    while (at < octets.size() && !parser.is_done()) {
      const auto n = parser.put(boost::asio::const_buffer(octets.data() + at, octets.size() - at), error);
      at += n;
      if (error || n == 0)
        break;
    }
    if (error == beast_http::error::need_more || !parser.is_done())
      return; // Beast wants a piece of its own choosing at an end; the next check is for what it did read
    if (error)
      return; // stricter there: no harm
    const auto read = parser.get().target();
    FUZZ_CHECK(std::string_view(read.data(), read.size()).ends_with(target) || target == "/");
    FUZZ_CHECK(parser.get().body() == body);
    FUZZ_CHECK(at == used);
  } catch (const std::length_error&) {
    // Beast 1.81 throws it for a trailer that is too long
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = testing::read_requests(octets);
  const auto pieces = testing::read_requests(octets, 1 + size % 7);
  FUZZ_CHECK(whole.targets == pieces.targets);
  FUZZ_CHECK(whole.bodies == pieces.bodies);
  FUZZ_CHECK(whole.refused == pieces.refused);
  FUZZ_CHECK(whole.used <= size);

  head_scan scan;
  const auto found = scan.look(octets);
  if (found.no || found.size == 0)
    return 0;
  const auto header = octets.substr(scan.skipped, found.size - scan.skipped);
  head asked;
  if (admit(header, asked))
    return 0;
  FUZZ_CHECK(asked.target.starts_with('/') || asked.target.starts_with('?') || asked.target == "*");
  FUZZ_CHECK(asked.minor == 0 || !asked.host.empty());
  FUZZ_CHECK(!(asked.chunked && asked.content_length));
  FUZZ_CHECK(!(asked.chunked && asked.minor == 0));
  for_each_field(asked, [](std::string_view name, std::string_view value) {
    FUZZ_CHECK(is_token(name));
    FUZZ_CHECK(is_field_value(value));
  });
  if (!whole.targets.empty()) {
    const auto first = testing::read_requests(octets.substr(0, octets.size()), std::string_view::npos, 1 << 20);
    std::size_t used = found.size;
    if (asked.chunked) {
      chunked_decoder chunks(1 << 20);
      std::string body;
      used += chunks.feed(octets.substr(used), body);
    } else {
      used += static_cast<std::size_t>(asked.content_length.value_or(0));
    }
    agree_with_beast(octets.substr(scan.skipped, used - scan.skipped), first.targets[0], first.bodies[0],
                     used - scan.skipped);
  }
  return 0;
}
