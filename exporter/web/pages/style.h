/* SPDX-License-Identifier: Apache-2.0 */
/* How the pages look: one style sheet, the icon, the mark in the band. No file from elsewhere. */
#ifndef WEB_PAGES_STYLE_H
#define WEB_PAGES_STYLE_H

extern const char style_sheet[];
extern const char style_icon[]; /* a data: URL */
extern const char style_mark[]; /* <svg> */

#endif
