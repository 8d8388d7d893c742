// SPDX-License-Identifier: Apache-2.0
// What the pages about accounts share. Private to views/pages.
#pragma once

#include "views/account_pages.hpp"
#include "views/page_model.hpp"

namespace lyceum::views {

/// A page without an address of its own: nobody is to link to it. Adds "base", in front of paths in the page's language.
std::string render_account_page(const site_view&, std::string_view page, std::string title, model::object own);

/// "csrf", "wrong" and "to".
model::object form_model(const form_view&);

/// "/de" + path.
std::string in_page_language(const site_view&, std::string_view path);

} // namespace lyceum::views
