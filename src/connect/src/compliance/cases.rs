//! The list of the cases: the one place that names them. The tests of a kind and `rabt source conform`
//! are both made of it, so that no case is in one and not in the other.

use futures::future::BoxFuture;
use rabt_model::Label;

use crate::compliance::Subject;

/// How a case ended that did not panic.
pub type Verdict = Result<(), Skipped>;

/// Why a case does not apply to a kind, or could not be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped(pub Label);

impl Skipped {
    /// Returns the reason in both languages.
    pub fn of(en: impl Into<String>, ar: impl Into<String>) -> Self {
        Self(Label::new(en, ar))
    }
}

/// A case of the suite. It panics when the kind does not comply.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The name, which never changes.
    pub name: &'static str,
    /// What is demanded, in English.
    pub en: &'static str,
    /// What is demanded, in Arabic.
    pub ar: &'static str,
    /// What an author does when it fails, in English.
    pub remedy_en: &'static str,
    /// What an author does when it fails, in Arabic.
    pub remedy_ar: &'static str,
    /// Tries it.
    pub run: for<'s> fn(&'s dyn Subject) -> BoxFuture<'s, Verdict>,
}

impl Case {
    /// Returns what is demanded, in both languages.
    pub fn demand(&self) -> Label {
        Label::new(self.en, self.ar)
    }

    /// Returns what to do when it fails, in both languages.
    pub fn remedy(&self) -> Label {
        Label::new(self.remedy_en, self.remedy_ar)
    }
}

/// Makes one test of each case of the suite. The argument makes a
/// [`Subject`](crate::compliance::Subject).
#[macro_export]
macro_rules! compliance_tests {
    ($subject:expr) => {
        $crate::compliance_tests!(@list tests [$subject]);
    };
    (@tests [$subject:expr] $($case:ident: $en:literal, $ar:literal; $help_en:literal, $help_ar:literal;)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                if let Err(skipped) = $crate::compliance::$case(&$subject).await {
                    eprintln!("skipped: {}: {}", stringify!($case), skipped.0.en);
                }
            }
        )+
    };
    (@cases [] $($case:ident: $en:literal, $ar:literal; $help_en:literal, $help_ar:literal;)+) => {
        /// Every case, in the order in which they are tried.
        pub const CASES: &[$crate::compliance::Case] = &[$(
            $crate::compliance::Case {
                name: stringify!($case),
                en: $en,
                ar: $ar,
                remedy_en: $help_en,
                remedy_ar: $help_ar,
                run: |subject| Box::pin($crate::compliance::$case(subject)),
            }
        ),+];
    };
    (@list $mode:ident [$($given:tt)*]) => {
        $crate::compliance_tests!(@$mode [$($given)*]
            description_is_valid:
                "The description names the kind in two languages, what it can do, and every key of its configuration", "الوصف يسمي النوع بلغتين وما يستطيعه وكل مفاتيح إعداداته";
                "describe each key that the configuration uses, once and with a sentence; say snapshot or incremental", "صف كل مفتاح من الإعدادات مرة واحدة وبجملة، واذكر snapshot أو incremental";
            secrets_never_in_debug:
                "No finding and no error shows a secret", "لا تُظهر نتيجة ولا خطأ كلمة سر";
                "do not put the configuration, or the text of an exception, into a failure or a finding", "لا تضع الإعدادات ولا نص الاستثناء في خطأ أو نتيجة";
            unknown_key_is_suggested:
                "A misspelt key is answered with the right one, and a missing one is named", "يُجاب عن المفتاح المكتوب خطأً بالصحيح ويُسمى الناقص";
                "list every key in Describe, and mark those that must be there", "اذكر كل مفتاح في Describe وعلّم ما لا بد منه";
            wrong_config_is_configuration_error:
                "What an operator must correct is CLASS_CONFIGURATION with a remedy, in every call", "ما يجب أن يصححه المشغل هو CLASS_CONFIGURATION مع علاجه في كل نداء";
                "answer Discover and Read with a Failure of CLASS_CONFIGURATION and a remedy, and Check with a failing finding", "أجب Discover وRead بخطأ CLASS_CONFIGURATION مع العلاج، وCheck بنتيجة فاشلة";
            unreachable_is_transient:
                "A server that does not answer is CLASS_TRANSIENT", "الخادم الذي لا يجيب هو CLASS_TRANSIENT";
                "tell a refused or timed-out connection from a refused login", "ميّز الاتصال المرفوض أو المتأخر من الدخول المرفوض";
            check_finds_nothing_wrong:
                "Check of a right configuration has findings, each with a name of its own, and none fails", "لفحص الإعدادات الصحيحة نتائج لكل منها اسم ولا تفشل واحدة";
                "give each finding an id of its own, and fail only what stops reading", "أعط كل نتيجة اسماً خاصاً ولا تُفشل إلا ما يمنع القراءة";
            nothing_is_ever_written:
                "Checking, discovering and reading leave the database as it was", "الفحص والاستكشاف والقراءة تترك قاعدة البيانات كما كانت";
                "open the database read-only", "افتح قاعدة البيانات للقراءة فقط";
            discover_finds_tables:
                "Tables come in the order of their names, with columns in their order and the key; a filter narrows them in any case of letters", "تأتي الجداول مرتبة بأسمائها، وأعمدتها بترتيبها ومفتاحها، ويحصرها المرشح بأي حالة للأحرف";
                "order tables by name, columns as the table has them, the key as it is declared; compare name_contains without case", "رتّب الجداول بأسمائها والأعمدة كما في الجدول والمفتاح كما أُعلن، وقارن name_contains دون حالة الأحرف";
            discover_ignores_system_tables:
                "A fresh database holds no table", "قاعدة البيانات الجديدة بلا جداول";
                "leave out the tables of the system", "اترك جداول النظام";
            empty_table:
                "An empty table has no rows and one checkpoint", "الجدول الفارغ بلا صفوف وله نقطة حفظ واحدة";
                "send a last checkpoint always", "أرسل نقطة حفظ أخيرة دائماً";
            missing_table:
                "A table that is not there is CLASS_CONFIGURATION and is named", "الجدول الغائب هو CLASS_CONFIGURATION ويُسمى";
                "look for the table before reading, and name it in `place`", "ابحث عن الجدول قبل القراءة وسمّه في place";
            missing_column:
                "A column that is not there is CLASS_CONFIGURATION, and the nearest one is named as 'name'", "العمود الغائب هو CLASS_CONFIGURATION ويُسمى أقرب الأعمدة إليه";
                "compare the columns of the plan with the table, and put the nearest in quotes into the remedy", "قارن أعمدة الخطة بالجدول واذكر أقربها بين علامتين في العلاج";
            keyless_table:
                "A table without a key is read whole, equal rows included", "يُقرأ الجدول بلا مفتاح كاملاً مع الصفوف المتساوية";
                "do not select DISTINCT; read it in one chunk when nothing tells rows apart", "لا تستعمل DISTINCT، واقرأه دفعة واحدة إن لم يميز الصفوف شيء";
            composite_key:
                "A key of several columns cuts chunks in the middle of its first part", "المفتاح المركب يقطع الدفعات داخل جزئه الأول";
                "compare all columns of the key, not the first alone", "قارن كل أعمدة المفتاح لا الأول وحده";
            equal_keys_across_chunks:
                "Rows of an equal key are all sent, wherever two chunks meet", "تُرسل كل الصفوف ذات المفتاح المتساوي حيثما التقت دفعتان";
                "order by the key and by what tells equal keys apart, such as the row number", "رتّب بالمفتاح وبما يميز المتساوي كرقم الصف";
            reserved_and_quoted_names:
                "Reserved words, quotes, spaces and Arabic are fine as names", "الكلمات المحجوزة وعلامات التنصيص والفراغات والعربية تصلح أسماء";
                "quote every name, and double the quotes inside", "ضع كل اسم بين علامتي تنصيص وضاعف ما بداخله منها";
            hostile_values:
                "Values arrive as they are; one above 64 KiB is MARK_TOO_LONG, and its row arrives", "تصل القيم كما هي، وما فوق 64 كيلوبايت هو MARK_TOO_LONG ويصل صفه";
                "change no value, cut none, and count lengths in bytes of UTF-8", "لا تغيّر قيمة ولا تقطعها واحسب الأطوال ببايتات UTF-8";
            null_is_not_empty:
                "NULL and the empty text are told apart", "تُميَّز القيمة الغائبة من النص الفارغ";
                "send MARK_NULL for NULL alone", "أرسل MARK_NULL للقيمة الغائبة وحدها";
            large_cells_make_small_batches:
                "Wide rows make batches of fewer rows", "الصفوف العريضة تصنع دفعات أقل صفوفاً";
                "send a batch when its text reaches about 1 MiB", "أرسل الدفعة حين يبلغ نصها نحو 1 ميبيبايت";
            only_mapped_columns_selected:
                "Only the columns of the plan are sent, in its order", "لا تُرسل إلا أعمدة الخطة وبترتيبها";
                "select the columns of the plan by name", "اختر أعمدة الخطة بأسمائها";
            snapshot_resumes_after_kill_at_every_chunk:
                "A host that is killed at any checkpoint loses no row and gets none twice", "المضيف الذي يُقتل عند أي نقطة حفظ لا يفقد صفاً ولا يأخذه مرتين";
                "begin strictly behind the last row of the position, in the same total order", "ابدأ بعد آخر صف في الموضع تماماً وبالترتيب الكلي نفسه";
            counts_match_at_every_checkpoint:
                "Checkpoints come after every chunk_rows rows and count the rows before them", "تأتي نقاط الحفظ بعد كل chunk_rows صفاً وتعد ما قبلها";
                "send the rows that are pending before a checkpoint, and start its count anew behind it", "أرسل الصفوف المعلقة قبل نقطة الحفظ وابدأ العد من جديد بعدها";
            incremental_equal_cursors:
                "Rows of one cursor value are all read, and a later one of the same value is not missed", "تُقرأ كل صفوف قيمة المؤشر الواحدة ولا يفوت ما يتأخر منها";
                "after the end go on with >=, not >, and order by cursor and key", "بعد النهاية تابع بـ >= لا > ورتّب بالمؤشر والمفتاح";
            incremental_reads_only_changes:
                "A second run sends what is new, and of the old only rows of the last cursor value", "ترسل المرة الثانية الجديد، ومن القديم صفوف آخر قيمة للمؤشر فقط";
                "keep the last cursor value in the position when a read ends", "احفظ آخر قيمة للمؤشر في الموضع عند انتهاء القراءة";
            incremental_lag_reads_late_rows:
                "Within lag_ms a row that came late is read, and nothing before it", "يُقرأ ما تأخر ضمن lag_ms ولا شيء قبله";
                "take lag_ms from the last cursor value: a number is seconds", "اطرح lag_ms من آخر قيمة للمؤشر، والعدد ثوانٍ";
            incremental_resumes_after_kill_at_every_chunk:
                "A run that is killed goes on behind its last checkpoint, also among rows of one cursor value", "القراءة المقتولة تتابع بعد آخر نقطة حفظ ولو بين صفوف قيمة واحدة";
                "keep cursor and key in the position, and compare both", "احفظ المؤشر والمفتاح في الموضع وقارن بهما معاً";
            future_position_is_refused:
                "A position of a later format, or no position at all, is CLASS_CONFIGURATION", "الموضع بصيغة لاحقة أو ما ليس موضعاً هو CLASS_CONFIGURATION";
                "write \"format\":1 into the JSON of a position, and refuse every other text", "اكتب \"format\":1 في الموضع وارفض كل نص آخر";
            foreign_position_is_refused:
                "A position of another table is CLASS_CONFIGURATION", "موضع جدول آخر هو CLASS_CONFIGURATION";
                "put a hash of source, table, key and mode into the position, and compare it", "ضع في الموضع بصمة المصدر والجدول والمفتاح والنمط وقارنها";
            slow_consumer_is_bounded:
                "A host that stalls stalls the read: nothing piles up", "المضيف المتوقف يوقف القراءة ولا يتراكم شيء";
                "keep no queue of your own: wait until a message is taken before the next is made", "لا تحفظ طابوراً: انتظر أخذ الرسالة قبل صنع التالية";
            cancel_frees_source_within_1s:
                "A read ends within a second after its host has gone", "تنتهي القراءة خلال ثانية من ذهاب المضيف";
                "read the host's stream in a thread of its own, and end the read when it ends", "اقرأ سيل المضيف في خيط مستقل وأنه القراءة بانتهائه";
            survey_samples_without_values:
                "A sample of a few rows can be taken of every table", "يمكن أخذ عينة صفوف قليلة من كل جدول";
                "let a read end when the host wants no more after its first rows", "دع القراءة تنتهي حين لا يريد المضيف مزيداً بعد أول الصفوف";
            changes_join_their_snapshot:
                "Rows that are written during the first reading come once, from the snapshot or from the log", "ما يُكتب أثناء القراءة الأولى يأتي مرة واحدة من اللقطة أو السجل";
                "begin the log exactly where the snapshot was taken", "ابدأ السجل حيث أُخذت اللقطة تماماً";
            changes_come_in_the_order_of_commits:
                "Every change comes in the order of commits; a new key is a deletion and a row", "تأتي التغييرات بترتيب إتمامها، والمفتاح الجديد حذف وصف";
                "send changes as the log has them, and a change of the key as a deletion and a row", "أرسل التغييرات كما في السجل، وتغيير المفتاح حذفاً وصفاً";
            changes_resume_after_kill_at_every_checkpoint:
                "A host that is killed at any checkpoint misses no change and is told none twice", "المضيف المقتول عند أي نقطة لا يفوته تغيير ولا يُعاد عليه";
                "keep the place in the log, and inside a transaction, in the position", "احفظ في الموضع المكان في السجل وداخل المعاملة";
            changes_without_a_commit_come_again:
                "What no host has committed comes again", "ما لم يثبّته مضيف يأتي من جديد";
                "confirm nothing to the log beyond what was acknowledged", "لا تؤكد للسجل ما لم يُقَر به";
            changes_tell_of_an_emptied_table:
                "An emptied table is told of, and the next read goes on behind that", "يُخبر عن الجدول المفرغ وتتابع القراءة التالية بعده";
                "send Truncated, and end the read where that transaction ends", "أرسل Truncated وأنه القراءة حيث تنتهي تلك المعاملة";
            changes_that_were_forgotten_are_refused:
                "A log that is not kept any more is CLASS_CONFIGURATION, with the remedy to read from the beginning", "السجل الذي لم يعد محفوظاً هو CLASS_CONFIGURATION وعلاجه القراءة من البداية";
                "compare the log's oldest place with the position before reading", "قارن أقدم مكان في السجل بالموضع قبل القراءة";
        );
    };
}

compliance_tests!(@list cases []);
