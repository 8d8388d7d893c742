// SPDX-License-Identifier: Apache-2.0
// What counts as an HTTP/1.1 request. Knows neither CAF nor Beast.
//
// This is the parser, not a filter in front of one: everything must be checked strictly here anyway (Beast's parser
// admits two Host lines, unknown transfer codings, obs-fold), and one parser that decides where a message ends is
// easier to trust than two that might differ. Beast's parser is an oracle in tests/fuzz instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lyceum::http {

/// Bounds of a header (promises.md section 3).
struct head_limits {
  static constexpr std::size_t line_max = 8 * 1024;    ///< request line (414), one field line (431)
  static constexpr std::size_t fields_max = 32 * 1024; ///< all field lines together (431), where nothing else is said
  static constexpr std::size_t count_max = 100;        ///< field lines (431)
};

/// A request's head; views into the octets it was read from.
struct head {
  std::string_view method;
  std::string_view target;            ///< path and query, or "*"; of an absolute form the part after the authority
  std::string_view host;              ///< without port; of an absolute form its own. Empty in HTTP/1.0 without Host
  std::string_view fields;            ///< the field lines, each with its CRLF
  std::string_view accept_encoding;   ///< empty where absent or repeated
  std::string_view if_none_match;     ///< empty where absent or repeated
  std::string_view cookie;            ///< empty where absent or repeated: RFC 6265 5.4 allows one
  std::string_view if_modified_since; ///< the last one
  std::optional<std::uint64_t> content_length;
  int minor = 1; ///< of the version: 0 or 1; higher ones count as 1
  bool keep_alive = true;
  bool chunked = false;
  bool expects_continue = false;
  bool has_cookie = false;
  bool has_authorization = false;

  bool has_body() const noexcept { return chunked || content_length.value_or(0) != 0; }
};

/// Why octets are no request for us. The connection answers `status` and closes: what follows cannot be trusted to be a
/// request.
struct refusal {
  int status = 400;
  const char* why = "";
};

/// Looks for the end of a header in what has arrived so far.
struct head_scan {
  std::size_t checked = 0;   ///< octets before this need no second look; kept between calls for the same header
  std::size_t lines = 0;     ///< field lines so far, plus the request line
  std::size_t skipped = 0;   ///< 2 where a CRLF stood before the request line (RFC 9112 2.2), else 0
  std::size_t fields_at = 0; ///< where field lines begin
  std::size_t fields_max = head_limits::fields_max;

  /// Octets of the header with its empty line, 0 while that has not come; or why it never will be one.
  struct result {
    std::size_t size = 0;
    std::optional<refusal> no;
  };
  result look(std::string_view arrived);
};

/// Reads a whole header, as `head_scan` found it (without the skipped CRLF). Nothing is set that can be relied on when
/// it refuses.
///   400  not the grammar of RFC 9112, or a target, Host or framing that two readers could understand differently
///   414  target too long
///   417  an expectation other than 100-continue
///   431  fields too long or too many
///   501  an unknown method or transfer coding; TRACE and CONNECT
///   505  a version other than HTTP/1.x
std::optional<refusal> admit(std::string_view header, head& out);

/// Calls `each(name, value)` for the field lines of an admitted head.
template <class Each>
void for_each_field(const head& of, Each&& each) {
  std::string_view rest = of.fields;
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    const auto line = rest.substr(0, end);
    const auto colon = line.find(':');
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
      value.remove_suffix(1);
    each(line.substr(0, colon), value);
    rest.remove_prefix(end + 2);
  }
}

/// True for a field name or method: one or more of RFC 9110's tchar.
bool is_token(std::string_view text) noexcept;
/// True for the octets of a field value: HTAB, 20–7E, 80–FF.
bool is_field_value(std::string_view text) noexcept;
/// True for uri-host [":" port] with a host that is not empty; `host` gets it without the port.
bool is_authority(std::string_view text, std::string_view& host) noexcept;

} // namespace lyceum::http
