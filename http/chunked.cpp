// SPDX-License-Identifier: Apache-2.0
#include "http/chunked.hpp"

#include "http/admission.hpp"

#include <algorithm>

namespace lyceum::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
}

bool skip_token(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_token(text.substr(n, 1)))
    ++n;
  text.remove_prefix(n);
  return n != 0;
}

bool skip_quoted(std::string_view& text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool is_trailer(std::string_view line) {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && is_token(line.substr(0, colon)) && is_field_value(line.substr(colon + 1));
}

} // namespace

bool is_chunk_extension(std::string_view text) noexcept {
  if (!is_field_value(text))
    return false;
  while (!text.empty()) {
    skip_space(text);
    if (!text.starts_with(';'))
      return false;
    text.remove_prefix(1);
    skip_space(text);
    if (!skip_token(text))
      return false;
    std::string_view value = text;
    skip_space(value);
    if (!value.starts_with('='))
      continue;
    value.remove_prefix(1);
    skip_space(value);
    if (value.starts_with('"') ? !skip_quoted(value) : !skip_token(value))
      return false;
    text = value;
  }
  return true;
}

std::size_t chunked_decoder::feed(std::string_view octets, std::string& body) {
  std::size_t took = 0;
  while (took < octets.size() && state_ == state::more) {
    if (at_ == at::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size() - took));
      body.append(octets.substr(took, n));
      took += n;
      left_ -= n;
      if (left_ == 0)
        at_ = at::data_cr;
    } else {
      octet(octets[took++]);
    }
  }
  return took;
}

void chunked_decoder::octet(char c) {
  switch (at_) {
  case at::size:
    if (const int value = hex_value(c); value >= 0) {
      if (++digits_ > 16)
        return stop(state::malformed); // more would overflow
      left_ = left_ * 16 + static_cast<std::uint64_t>(value);
      return;
    }
    if (digits_ == 0)
      return stop(state::malformed);
    at_ = at::extension;
    [[fallthrough]];
  case at::extension:
    if (c == '\r') {
      at_ = at::size_lf;
      return;
    }
    if (line_.size() >= extension_max || ++extensions_ > extensions_max)
      return stop(state::malformed);
    line_ += c;
    return;
  case at::size_lf:
    return c == '\n' ? end_of_size() : stop(state::malformed);
  case at::data:
    return;
  case at::data_cr:
    at_ = at::data_lf;
    return c == '\r' ? void() : stop(state::malformed);
  case at::data_lf:
    at_ = at::size;
    return c == '\n' ? void() : stop(state::malformed);
  case at::trailer:
    if (++trailers_ > trailers_max)
      return stop(state::malformed);
    if (c == '\r')
      at_ = at::last_lf;
    else
      line_ += c;
    return;
  case at::last_lf:
    if (c != '\n')
      return stop(state::malformed);
    if (line_.empty())
      return stop(state::done);
    if (!is_trailer(line_))
      return stop(state::malformed);
    line_.clear();
    at_ = at::trailer;
    return;
  }
}

void chunked_decoder::end_of_size() {
  if (!is_chunk_extension(line_))
    return stop(state::malformed);
  line_.clear();
  digits_ = 0;
  if (left_ == 0) {
    at_ = at::trailer;
    return;
  }
  if (left_ > body_max_ - taken_)
    return stop(state::too_large);
  taken_ += left_;
  at_ = at::data;
}

} // namespace lyceum::http
