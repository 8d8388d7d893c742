// SPDX-License-Identifier: Apache-2.0
#include "actors/page.hpp"

#include "actors/file_in_memory.hpp"
#include "actors/page_parts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <openssl/sha.h>
#include <span>

namespace lyceum {
namespace {

// Pages are prebuilt bytes, so the policy has no nonce, and templates no inline script or style. Authors' texts embed
// pictures from elsewhere, hence https: for images alone; our own pages ask no other host for anything.
#define LYCEUM_PLAIN_LINES                                                                                             \
  "X-Content-Type-Options: nosniff\r\n"                                                                                \
  "Referrer-Policy: strict-origin-when-cross-origin\r\n"
constexpr std::string_view plain_lines = LYCEUM_PLAIN_LINES;
constexpr std::string_view html_lines =
    LYCEUM_PLAIN_LINES "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                       "img-src 'self'; media-src 'self'; font-src 'self'; connect-src 'self'; "
                       "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
                       "object-src 'none'\r\n"
                       "Cross-Origin-Opener-Policy: same-origin\r\n"
                       "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n";
constexpr std::string_view svg_lines =
    LYCEUM_PLAIN_LINES "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox\r\n";
#undef LYCEUM_PLAIN_LINES

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool may_keep(int status) {
  constexpr std::array kept = {200, 301, 302, 303, 307, 308, 404, 410};
  return std::ranges::find(kept, status) != kept.end();
}

bool starts_with_no_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && iequals(text.substr(0, start.size()), start);
}

/// Lines that the head has in any case; a handler that sets one of them too would make two.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 9> ours = {"Content-Type", "Content-Length", "Content-Encoding",  "ETag",
                                                    "Date",         "Cache-Control",  "Transfer-Encoding", "Connection",
                                                    "Vary"};
  return std::ranges::any_of(ours, [name](std::string_view one) { return iequals(one, name); });
}

std::string_view cache_control(const cache_rule& rule, const viewer& who) {
  bool tier = who.staff || who.tier != access::kind::everyone;
  if (rule.what == cache_rule::kind::immutable)
    return tier ? "private, max-age=31536000, immutable" : "public, max-age=31536000, immutable";
  return tier ? "private, no-cache" : "public, no-cache";
}

} // namespace

std::string_view common_header_lines(bool html) {
  return html ? html_lines : plain_lines;
}

std::string_view common_header_lines_for(std::string_view content_type) {
  if (starts_with_no_case(content_type, "text/html") || starts_with_no_case(content_type, "application/xhtml"))
    return html_lines;
  return starts_with_no_case(content_type, "image/svg") ? svg_lines : plain_lines;
}

std::string_view status_line(int status) {
  switch (status) {
#define LYCEUM_STATUS(code, reason)                                                                                    \
  case code:                                                                                                           \
    return "HTTP/1.1 " #code " " reason "\r\n"
    LYCEUM_STATUS(100, "Continue");
    LYCEUM_STATUS(101, "Switching Protocols");
    LYCEUM_STATUS(200, "OK");
    LYCEUM_STATUS(201, "Created");
    LYCEUM_STATUS(202, "Accepted");
    LYCEUM_STATUS(204, "No Content");
    LYCEUM_STATUS(206, "Partial Content");
    LYCEUM_STATUS(301, "Moved Permanently");
    LYCEUM_STATUS(302, "Found");
    LYCEUM_STATUS(303, "See Other");
    LYCEUM_STATUS(304, "Not Modified");
    LYCEUM_STATUS(307, "Temporary Redirect");
    LYCEUM_STATUS(308, "Permanent Redirect");
    LYCEUM_STATUS(400, "Bad Request");
    LYCEUM_STATUS(401, "Unauthorized");
    LYCEUM_STATUS(402, "Payment Required");
    LYCEUM_STATUS(403, "Forbidden");
    LYCEUM_STATUS(404, "Not Found");
    LYCEUM_STATUS(405, "Method Not Allowed");
    LYCEUM_STATUS(406, "Not Acceptable");
    LYCEUM_STATUS(408, "Request Timeout");
    LYCEUM_STATUS(409, "Conflict");
    LYCEUM_STATUS(410, "Gone");
    LYCEUM_STATUS(411, "Length Required");
    LYCEUM_STATUS(412, "Precondition Failed");
    LYCEUM_STATUS(413, "Content Too Large");
    LYCEUM_STATUS(414, "URI Too Long");
    LYCEUM_STATUS(415, "Unsupported Media Type");
    LYCEUM_STATUS(416, "Range Not Satisfiable");
    LYCEUM_STATUS(417, "Expectation Failed");
    LYCEUM_STATUS(421, "Misdirected Request");
    LYCEUM_STATUS(422, "Unprocessable Content");
    LYCEUM_STATUS(425, "Too Early");
    LYCEUM_STATUS(426, "Upgrade Required");
    LYCEUM_STATUS(428, "Precondition Required");
    LYCEUM_STATUS(429, "Too Many Requests");
    LYCEUM_STATUS(431, "Request Header Fields Too Large");
    LYCEUM_STATUS(451, "Unavailable For Legal Reasons");
    LYCEUM_STATUS(500, "Internal Server Error");
    LYCEUM_STATUS(501, "Not Implemented");
    LYCEUM_STATUS(502, "Bad Gateway");
    LYCEUM_STATUS(503, "Service Unavailable");
    LYCEUM_STATUS(504, "Gateway Timeout");
    LYCEUM_STATUS(505, "HTTP Version Not Supported");
    LYCEUM_STATUS(507, "Insufficient Storage");
#undef LYCEUM_STATUS
  default:
    break;
  }
  // The other three-digit codes, with an empty reason; made once.
  static const auto others = [] {
    std::array<std::string, 1000> lines;
    for (std::size_t code = 0; code < lines.size(); ++code)
      lines[code] = "HTTP/1.1 " + std::to_string(code) + " \r\n";
    return lines;
  }();
  return others[status >= 100 && status <= 999 ? static_cast<std::size_t>(status) : 500];
}

std::size_t page::bytes() const {
  // A page, its record in the table with key and tags, and its cells in two indexes. Measured: a page with three tags
  // in one encoding takes 1,117 bytes beside its head and body.
  std::size_t sum = 700 + route.size();
  for (const auto& tag : tags)
    sum += tag.size() + 48;
  for (const auto* one : {identity.get(), gzip.get(), brotli.get()})
    if (one)
      sum += one->whole().size() + 160;
  return sum;
}

const page_bytes& choose(const page& from, unsigned accepted) {
  if ((accepted & accepts_brotli) != 0 && from.brotli)
    return *from.brotli;
  if ((accepted & accepts_gzip) != 0 && from.gzip)
    return *from.gzip;
  return *from.identity;
}

bool append_header(std::string& to, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value))
    return false;
  to.append(name).append(": ").append(value).append("\r\n");
  return true;
}

page_ptr make_page(response&& answer, std::string route, const viewer& who) {
  using kind = cache_rule::kind;
  const auto& rule = answer.cache;
  if ((rule.what != kind::page && rule.what != kind::immutable) || answer.file || !may_keep(answer.status))
    return nullptr;

  std::string content_type;
  if (!answer.content_type.empty() && !append_header(content_type, "Content-Type", answer.content_type))
    return nullptr;
  std::string rest;
  std::int64_t modified = -1;
  const bool alike = rule.alike || rule.what == kind::immutable;
  append_header(rest, "Cache-Control", cache_control(rule, alike ? viewer{} : who));
  append_header(rest, "Vary", "Accept-Encoding");
  for (const auto& [name, value] : answer.headers) {
    if (iequals(name, "Set-Cookie"))
      return nullptr;
    if (is_ours(name))
      continue;
    if (!append_header(rest, name, value))
      return nullptr;
    if (iequals(name, "Last-Modified"))
      modified = parse_http_date(value);
  }
  rest.append(common_header_lines_for(answer.content_type)).append("\r\n");

  auto made = std::make_shared<page>();
  made->status = answer.status;
  made->identity = page_parts::assemble(
      {.content_type = content_type, .coding = {}, .etag = page_parts::etag_of(answer.body), .rest = rest},
      answer.body);
  made->tags = std::move(answer.cache.tags);
  std::ranges::sort(made->tags);
  made->tags.erase(std::ranges::unique(made->tags).begin(), made->tags.end());
  if (rule.fresh_until)
    made->fresh_until_us = micros(*rule.fresh_until);
  made->content_seq = rule.content_seq;
  made->modified_s = modified;
  made->route = std::move(route);
  made->immutable = rule.what == kind::immutable;
  made->alike = alike;
  return made;
}

namespace page_parts {

std::shared_ptr<const page_bytes> assemble(const head_lines& lines, std::string_view body) {
  std::string buffer;
  buffer.reserve(lines.content_type.size() + lines.rest.size() + body.size() + 128);
  buffer.append(lines.content_type);
  buffer.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  if (!lines.coding.empty())
    buffer.append("Content-Encoding: ").append(lines.coding).append("\r\n");
  auto head_304_at = buffer.size();
  buffer.append("ETag: ");
  auto etag_at = buffer.size();
  buffer.append(lines.etag).append("\r\n").append(lines.rest);
  auto head_bytes = buffer.size();
  buffer.append(body);

  auto made = std::make_shared<page_bytes>();
  std::string_view all;
  if (auto file = body.size() < file_in_memory::worth_it_from ? nullptr : file_in_memory::copy(buffer)) {
    all = file->bytes;
    made->body_file = file->fd;
    made->body_at = static_cast<std::int64_t>(head_bytes);
    made->owner = std::move(file);
  } else {
    buffer.shrink_to_fit();
    auto owner = std::make_shared<const std::string>(std::move(buffer));
    all = *owner;
    made->owner = std::move(owner);
  }
  made->etag = all.substr(etag_at, lines.etag.size());
  made->head = all.substr(0, head_bytes);
  made->head_304 = all.substr(head_304_at, head_bytes - head_304_at);
  made->body = all.substr(head_bytes);
  return made;
}

head_lines lines_of(const page_bytes& bytes) {
  head_lines lines;
  if (bytes.head.starts_with("Content-Type: "))
    lines.content_type = bytes.head.substr(0, bytes.head.find("\r\n") + 2);
  lines.etag = bytes.etag;
  lines.rest = bytes.head_304.substr(bytes.head_304.find("\r\n") + 2);
  return lines;
}

std::string etag_of(std::string_view body) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  std::string tag = "\"";
  for (unsigned char byte : std::span(digest).first(16)) {
    tag += "0123456789abcdef"[byte >> 4];
    tag += "0123456789abcdef"[byte & 15];
  }
  return tag + '"';
}

std::string etag_with_coding(std::string_view etag, std::string_view coding) {
  std::string tag(etag.substr(0, etag.size() - 1));
  return tag.append("-").append(coding).append("\"");
}

} // namespace page_parts
} // namespace lyceum
