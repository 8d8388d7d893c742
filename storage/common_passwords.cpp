// SPDX-License-Identifier: Apache-2.0
#include "storage/common_passwords.hpp"

#include "storage/words.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

constexpr std::size_t before_max = 4, behind_max = 6; // digits and signs that make a word no better: 010203, 2024!
constexpr std::size_t piece_octets_max = 4;           // "abcdabcd"

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_added(char c) {
  return !is_letter(c) && static_cast<unsigned char>(c) < 0x80;
}

std::string_view without_start(std::string_view text) {
  for (std::size_t i = 0; i < before_max && !text.empty() && is_added(text.front()); ++i)
    text.remove_prefix(1);
  return text;
}

/// '1' and '!' stand for `one`: an 'i' or an 'l'.
std::string as_letters(std::string_view text, char one) {
  static constexpr std::string_view signs = "@4803$57+9", letters = "aaboessttg";
  std::string out(text);
  for (char& c : out)
    if (c == '1' || c == '!')
      c = one;
    else if (const auto at = signs.find(c); at != std::string_view::npos)
      c = letters[at];
  return out;
}

bool is_repeated(std::string_view text) {
  for (std::size_t piece = 1; piece <= text.size() / 2; ++piece) {
    const bool repeats = text.size() % piece == 0 && text.substr(piece) == text.substr(0, text.size() - piece);
    if (repeats && (piece <= piece_octets_max || is_listed(text.substr(0, piece))))
      return true;
  }
  return false;
}

bool is_run(std::string_view text) {
  const auto steps_by = [text](int step) {
    return std::ranges::adjacent_find(text, [step](char a, char b) { return b - a != step; }) == text.end();
  };
  return steps_by(1) || steps_by(-1);
}

/// A word of the list and another behind it, of which the second is digits: a random word with a random number stays good.
bool is_listed_with_number(std::string_view text) {
  const auto end = text.find_last_not_of("0123456789");
  if (end == std::string_view::npos || end + 1 == text.size())
    return false;
  const auto number = text.substr(end + 1);
  return is_listed(text.substr(0, end + 1)) && (is_listed(number) || is_run(number) || is_repeated(number));
}

} // namespace

std::string_view common_password_lines() {
  static const std::string_view lines = [] {
    const auto text = common_password_files().front().bytes;
    return text.substr(text.find("\n\n") + 2);
  }();
  return lines;
}

bool is_listed(std::string_view password) {
  const auto lines = common_password_lines();
  if (password.empty() || password.find('\n') != std::string_view::npos)
    return false;
  std::size_t low = 0, high = lines.size(); // both at the beginning of a line
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto before = middle == 0 ? std::string_view::npos : lines.rfind('\n', middle - 1);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    const auto end = lines.find('\n', begin);
    const auto order = lines.substr(begin, end - begin).compare(password);
    if (order == 0)
      return true;
    if (order < 0)
      low = end + 1;
    else
      high = begin;
  }
  return false;
}

std::vector<std::string> plain_forms(std::string_view password) {
  const auto small = lower_ascii(password);
  std::vector<std::string> forms;
  const auto add = [&](std::string form) {
    if (!form.empty() && std::ranges::find(forms, form) == forms.end())
      forms.push_back(std::move(form));
  };
  for (auto part : {std::string_view(small), without_start(small)})
    for (std::size_t dropped = 0; dropped <= behind_max && !part.empty(); ++dropped) {
      add(std::string(part));
      add(as_letters(part, 'i'));
      add(as_letters(part, 'l'));
      if (!is_added(part.back()))
        break;
      part.remove_suffix(1);
    }
  return forms;
}

bool is_common_password(std::string_view password) {
  return std::ranges::any_of(plain_forms(password), [](const std::string& form) {
    return is_listed(form) || is_repeated(form) || is_run(form) || is_listed_with_number(form);
  });
}

} // namespace lyceum::storage
