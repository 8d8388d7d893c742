// SPDX-License-Identifier: Apache-2.0
// The files that `lyceum new` starts a school with.
#include "storage/import.hpp"

#include <array>
#include <filesystem>
#include <fstream>

namespace lyceum::storage {
namespace {

struct sample {
  const char* path;
  const char* text;
};

constexpr std::array<sample, 7> samples = {{
    {"site.toml", R"(# What your school is called and how it behaves. Saved changes are live at once.
title = "My school"
description = "What people learn here, in one sentence"
language = "en"
timezone = "UTC"
author = ""
accent = "#2a6f97"
trusted_html = false
navigation = [
  { title = "Courses", url = "/courses" },
  { title = "Articles", url = "/articles" },
]
)"},
    {"courses/first-course/course.md", R"(---
title: "A first course"
summary: "Two lessons that show how lessons are written."
access: public
tags: [start]
---

This is the introduction of the course. The lessons below follow the numbers at the front of their files' names.
)"},
    {"courses/first-course/01-welcome.md", R"(---
title: "Welcome"
summary: "What a lesson is made of."
---

A lesson is a file. Its name starts with a number that gives its place; the rest is its address.

![Three steps, each a little higher than the last](steps.svg)

## Next to the text

Put pictures beside the lesson and name them as above. A video called `01-welcome.mp4` beside this file becomes the lesson's
video; `01-welcome.en.vtt` its captions; `01-welcome.fr.md` its French translation.

Go on with [the second lesson](02-for-members.md), or to [its end](02-for-members.md#what-comes-after).
)"},
    {"courses/first-course/02-for-members.md", R"(---
title: "For members"
summary: "A lesson that only members read whole."
access: members
---

Everybody reads this part.

<!-- more -->

Members read this part too. Write `access: public`, `members`, `paid` or `plan:NAME` above a lesson, or above its course
for all of its lessons.

## What comes after

Write `draft: true` above a text to keep it back, or `published: 2030-01-01` to let it appear by itself on that day.
)"},
    {"courses/first-course/steps.svg",
     R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 160" role="img" aria-label="Three steps">
  <rect x="20" y="110" width="80" height="30" fill="#2a6f97"/>
  <rect x="120" y="70" width="80" height="70" fill="#468faf"/>
  <rect x="220" y="30" width="80" height="110" fill="#61a5c2"/>
</svg>
)"},
    {"articles/2024-01-01-hello.md", R"(---
title: "Hello"
summary: "The first article."
tags: [news]
---

The date at the front of an article's name is the day it was published. [Start with the course](/courses/first-course).
)"},
    {"pages/about.md", R"(---
title: "About this school"
---

Who you are, and why you teach this. This page is at `/about`.
)"},
}};

} // namespace

expected<std::vector<std::string>> new_school(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code wrong;
  const auto what = fs::status(folder, wrong);
  if (what.type() == fs::file_type::none)
    return fail(problem::kind::internal, "cannot look into " + folder + ": " + wrong.message());
  if (fs::exists(what) && !fs::is_directory(what))
    return fail(problem::kind::conflict, folder + " is there already, and is not a folder");
  if (fs::exists(what) && !fs::is_empty(folder, wrong))
    return wrong ? fail(problem::kind::internal, "cannot look into " + folder + ": " + wrong.message())
                 : fail(problem::kind::conflict, "the folder " + folder + " is not empty: choose a new one");
  std::vector<std::string> made;
  for (const sample& s : samples) {
    const fs::path path = fs::path(folder) / s.path;
    fs::create_directories(path.parent_path(), wrong);
    if (wrong)
      return fail(problem::kind::internal, "cannot make " + path.parent_path().string() + ": " + wrong.message());
    std::ofstream out(path, std::ios::binary);
    out << s.text;
    out.close();
    if (!out)
      return fail(problem::kind::internal, "cannot write " + path.string());
    made.push_back(path.string());
  }
  return made;
}

} // namespace lyceum::storage
