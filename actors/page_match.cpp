// SPDX-License-Identifier: Apache-2.0
// What a visitor's conditions and preferences mean for a page: RFC 9110 sections 12.5.3, 13.1.2, 13.1.3.
#include "actors/page.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

namespace lyceum {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Takes what stands before the first `end` off the front of `text`, and `end` too.
std::string_view take_until(std::string_view& text, char end) {
  auto at = text.find(end);
  auto front = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return front;
}

/// True where the parameters of a list's element hold q=0, q=0.0, …; or a q that cannot be read, which cannot be meant
/// as yes.
bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    auto one = trimmed(take_until(parameters, ';'));
    if (one.size() < 2 || (one[0] != 'q' && one[0] != 'Q') || one[1] != '=')
      continue;
    auto weight = one.substr(2);
    bool number =
        !weight.empty() && std::ranges::all_of(weight, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    return !number || weight.find_first_of("123456789") == std::string_view::npos;
  }
  return false;
}

/// The tag without its quotes and without the suffix of its coding: what all encodings of a page share.
std::string_view stem(std::string_view opaque) {
  for (std::string_view suffix : {"-gzip", "-br"})
    if (opaque.ends_with(suffix))
      return opaque.substr(0, opaque.size() - suffix.size());
  return opaque;
}

template <class Number>
bool read_digits(std::string_view text, Number& to) {
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), to);
  return fault == std::errc{} && end == text.data() + text.size();
}

} // namespace

unsigned accepted_encodings(std::string_view list) {
  // An element of its own outweighs "*", wherever the two stand.
  std::optional<bool> gzip, brotli, others;
  while (!list.empty()) {
    auto element = take_until(list, ',');
    auto coding = trimmed(take_until(element, ';'));
    bool yes = !refused(element);
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip"))
      gzip = yes;
    else if (iequals(coding, "br"))
      brotli = yes;
    else if (coding == "*")
      others = yes;
  }
  unsigned bits = 0;
  if (gzip.value_or(others.value_or(false)))
    bits |= accepts_gzip;
  if (brotli.value_or(others.value_or(false)))
    bits |= accepts_brotli;
  return bits;
}

bool matches_any(const page& of, std::string_view list) {
  auto etag = of.identity->etag;
  auto ours = etag.substr(1, etag.size() - 2);
  list = trimmed(list);
  if (list == "*")
    return true;
  while (!list.empty()) {
    // A tag may hold commas, so quotes delimit, not commas.
    auto open = list.find('"');
    if (open == std::string_view::npos)
      return false;
    auto close = list.find('"', open + 1);
    if (close == std::string_view::npos)
      return false;
    if (stem(list.substr(open + 1, close - open - 1)) == ours)
      return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

bool unmodified_since(const page& of, std::string_view date) {
  auto since = of.modified_s < 0 ? -1 : parse_http_date(trimmed(date));
  return since >= 0 && of.modified_s <= since;
}

std::int64_t parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
      text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
    return -1;
  auto month = std::ranges::find(months, text.substr(8, 3));
  unsigned day = 0, hour = 0, minute = 0, second = 0;
  int year = 0;
  if (month == months.end() || !read_digits(text.substr(5, 2), day) || !read_digits(text.substr(12, 4), year) ||
      !read_digits(text.substr(17, 2), hour) || !read_digits(text.substr(20, 2), minute) ||
      !read_digits(text.substr(23, 2), second) || hour > 23 || minute > 59 || second > 60)
    return -1;
  namespace chr = std::chrono;
  chr::year_month_day date{chr::year{year}, chr::month{static_cast<unsigned>(month - months.begin()) + 1},
                           chr::day{day}};
  if (!date.ok())
    return -1;
  auto moment = chr::sys_days{date} + chr::hours{hour} + chr::minutes{minute} + chr::seconds{second};
  return std::max<std::int64_t>(-1, chr::duration_cast<chr::seconds>(moment.time_since_epoch()).count());
}

} // namespace lyceum
