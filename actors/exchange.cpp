// SPDX-License-Identifier: Apache-2.0
#include "actors/exchange.hpp"

#include <algorithm>

namespace lyceum {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

} // namespace

std::string_view readable_target(std::string_view target) {
  for (const std::string_view before : {"/sign-in/link/", "&sig="})
    if (const auto at = target.find(before); at != std::string_view::npos)
      target = target.substr(0, at + before.size());
  return target;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view request::param(std::string_view name) const {
  for (const auto& [key, value] : params)
    if (key == name)
      return value;
  return {};
}

std::string_view request::field(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name))
      return value;
  return {};
}

std::optional<std::string_view> request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name)
      return value;
  return std::nullopt;
}

reply_slot::~reply_slot() {
  lose();
}

bool reply_slot::lose() {
  if (done())
    return false;
  response lost;
  lost.status = 503;
  lost.headers.push_back({"Retry-After", "1"});
  return fulfil(std::move(lost));
}

bool reply_slot::fulfil(response&& answer) {
  if (done_.exchange(true, std::memory_order_acq_rel))
    return false;
  to_(std::move(answer));
  return true;
}

response answer_for(const problem& what) {
  using kind = problem::kind;
  response out;
  switch (what.what) {
  case kind::not_found:
    out.status = 404;
    break;
  case kind::invalid:
    out.status = 400;
    break;
  case kind::forbidden:
    out.status = 403;
    break;
  case kind::conflict:
    out.status = 409;
    break;
  case kind::too_large:
    out.status = 413;
    break;
  case kind::unavailable:
  case kind::needs_render: // a session asks a renderer; who still sees this found none
    out.status = 503;
    out.headers.push_back({"Retry-After", std::to_string(std::max<std::int64_t>(what.retry_after.count(), 1))});
    break;
  case kind::timeout:
    out.status = 504;
    break;
  case kind::moved:
    out.status = 302;
    if (what.detail.starts_with('/') && !what.detail.starts_with("//") && !what.detail.starts_with("/\\"))
      out.headers.push_back({"Location", what.detail}); // only ever to a path of ours
    else
      out.status = 404;
    break;
  case kind::internal:
    out.status = 500;
    break;
  }
  return out;
}

} // namespace lyceum
