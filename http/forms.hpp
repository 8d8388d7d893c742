// SPDX-License-Identifier: Apache-2.0
// Forms as browsers send them: application/x-www-form-urlencoded (WHATWG URL, section 5). Pure.
#pragma once

#include "storage/model/expected.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::http {

inline constexpr std::size_t form_fields_max = 200;
inline constexpr std::size_t form_bytes_max = 16 * 1024; ///< of a page about accounts; its routes ask for no more

/// A form's fields, each name once.
class form {
public:
  explicit form(std::vector<std::pair<std::string, std::string>> fields) : fields_(std::move(fields)) {}

  /// Empty where there is no such field. Valid as long as the form.
  std::string_view get(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }

private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Reads a body.
///   invalid    the Content-Type is another; a percent sign that encodes nothing, NUL, what is not UTF-8; a name
///              that stands there twice, which two readers could read as two different forms
///   too_large  over form_fields_max fields
expected<form> read_form(std::string_view content_type, std::string_view body);

/// A path of this site to go on to, as it may stand in a Location field, made from what a visitor brought ("/courses/a?b=c"). "/" for
/// everything that a browser might take for another site ("//host", "/\host", "https://…", also in percent signs), and for what is over
/// own_path_octets_max or holds a control.
std::string own_path(std::string_view asked);
inline constexpr std::size_t own_path_octets_max = 1024;

/// A text as the value of a query field: what RFC 3986 leaves unreserved stays, and '/'.
std::string query_value(std::string_view text);

} // namespace lyceum::http
