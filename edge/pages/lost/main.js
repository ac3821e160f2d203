// Where nothing is. The service puts the way back to its first page before the addresses in this page.

import { learn, t, translate } from "../shared/language.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

learn({ en, "zh-CN": zh });
translate();
document.title = t("title");
