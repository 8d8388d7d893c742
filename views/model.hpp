// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lyceum::views {

/// What a template is filled with: a flag, a text, a list, or names with values. Every decision is made before one of these
/// is built; a template only places it. An empty text counts as "no" where a template asks `{{#name}}`.
class model {
public:
  using list = std::vector<model>;
  using object = std::map<std::string, model, std::less<>>;

  model(bool flag) : value_(flag) {}
  model(std::string text) : value_(std::move(text)) {}
  model(std::string_view text) : value_(std::string{text}) {}
  model(const char* text) : value_(std::string{text}) {}
  model(int number) : value_(std::to_string(number)) {}
  model(list items) : value_(std::move(items)) {}
  model(object names) : value_(std::move(names)) {}

  const std::variant<bool, std::string, list, object>& value() const { return value_; }

private:
  std::variant<bool, std::string, list, object> value_;
};

/// One model from each thing: `make_list(course.lessons, [](const lesson_entry& l) { return model::object{…}; })`.
template <class Range, class Make>
model::list make_list(const Range& things, Make make) {
  model::list out;
  out.reserve(things.size());
  for (const auto& thing : things)
    out.emplace_back(make(thing));
  return out;
}

} // namespace lyceum::views
