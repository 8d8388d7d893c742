// SPDX-License-Identifier: Apache-2.0
#include "supervision/child.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

namespace lyceum::supervision {
namespace {

std::string type_name(const caf::rtti_pair& type, const caf::type_erased_tuple& of, std::size_t at) {
  if (type.first != 0) {
    if (of.match_element<caf::atom_value>(at))
      return caf::to_string(of.get_as<caf::atom_value>(at));
    return caf::numbered_type_names[type.first - 1];
  }
  if (!type.second)
    return "?";
  int failed = 0;
  char* text = abi::__cxa_demangle(type.second->name(), nullptr, nullptr, &failed);
  std::string name = failed == 0 && text ? text : type.second->name();
  std::free(text);
  for (const std::string_view ours : {"lyceum::supervision::", "lyceum::"}) // as the reader of our sources knows them
    for (auto place = name.find(ours); place != std::string::npos; place = name.find(ours))
      name.erase(place, ours.size());
  if (name.size() > 100)
    name.resize(100);
  return name;
}

} // namespace

void life::trace(const caf::mailbox_element& what, std::chrono::microseconds took) noexcept {
  try {
    if (!traced(of_.tree, path()))
      return;
    const auto& content = what.content();
    std::vector<std::string> types;
    for (std::size_t i = 0; i < content.size() && i < 8; ++i)
      types.push_back(type_name(content.type(i), content, i));
    trace_message(of_.tree, *of_.vitals, types, took);
  } catch (...) { // no memory for a line of trace: the message matters more
  }
}

} // namespace lyceum::supervision
