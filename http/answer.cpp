// SPDX-License-Identifier: Apache-2.0
#include "http/answer.hpp"

#include "actors/page.hpp"
#include "http/front.hpp"

#include <algorithm>

namespace lyceum::http {

std::string answer_start::text() const {
  std::string out;
  out.reserve(1024);
  out.append(status_line(status)).append(date_line).append(connection_line);
  return out.append("X-Request-Id: ").append(request_id).append("\r\n");
}

std::string answer_head(const answer_start& start, const response& what, std::optional<std::uint64_t> length) {
  std::string out = start.text();
  out.append(common_header_lines_for(what.content_type));
  if (length) {
    if (!what.content_type.empty())
      append_header(out, "Content-Type", what.content_type);
    out.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
  }
  bool cache_control = false;
  for (const auto& [name, value] : what.headers) {
    if (iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") || iequals(name, "Connection"))
      continue; // the connection's business
    if (append_header(out, name, value))
      cache_control = cache_control || iequals(name, "Cache-Control");
  }
  if (!cache_control)
    out.append("Cache-Control: no-store\r\n");
  return out.append("\r\n");
}

std::string request_id(std::uint64_t id) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4)
    text += "0123456789abcdef"[(id >> shift) & 15];
  return text;
}

bool is_bodiless(int status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

file_plan plan_file(const request& asked, const file_body& file, std::int64_t bytes) {
  file_plan plan;
  plan.part = {byte_range::kind::whole, 0, bytes};
  const auto modified = std::chrono::floor<std::chrono::seconds>(file.modified);
  // In the order of RFC 9110 13.2.2: what must hold, then what is known already, then which part.
  if (const auto match = asked.field("If-Match"); !match.empty()) {
    if (!etag_matches_strongly(match, file.etag))
      return {412, plan.part};
  } else if (const auto since = read_http_date(asked.field("If-Unmodified-Since")); since && modified > *since) {
    return {412, plan.part};
  }
  if (file.etag.empty())
    return plan;
  if (const auto none_match = asked.field("If-None-Match"); !none_match.empty()) {
    if (etag_matches(none_match, file.etag))
      plan.status = 304;
  } else if (const auto since = read_http_date(asked.field("If-Modified-Since"))) {
    if (modified <= *since)
      plan.status = 304;
  }
  const auto range = asked.field("Range");
  if (plan.status != 200 || range.empty() || asked.method != "GET" || asked.head)
    return plan;
  if (!range_applies(asked.field("If-Range"), file.etag, file.modified))
    return plan;
  const auto part = read_range(range, bytes);
  if (part.what == byte_range::kind::unsatisfiable)
    plan = {416, part};
  else if (part.what == byte_range::kind::part)
    plan = {206, part};
  return plan;
}

void add_file_headers(response& to, const file_body& file, const file_plan& plan, std::int64_t bytes) {
  to.status = plan.status;
  if (plan.status == 412)
    return;
  if (plan.status == 206 || plan.status == 416)
    to.headers.push_back({"Content-Range", content_range(plan.part, bytes)});
  to.headers.push_back({"Accept-Ranges", "bytes"});
  if (!file.etag.empty())
    to.headers.push_back({"ETag", file.etag});
  to.headers.push_back({"Last-Modified", http_date(file.modified)});
  const bool ruled = std::ranges::any_of(to.headers, [](const header& h) { return iequals(h.name, "Cache-Control"); });
  if (!ruled)
    to.headers.push_back({"Cache-Control", "public, no-cache"});
}

} // namespace lyceum::http
