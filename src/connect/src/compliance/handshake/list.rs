//! The list of the cases of a process, as [`CASES`](crate::compliance::CASES) is one of every kind's.

/// Makes one test of each case of a kind that runs in a process of its own. The argument makes a
/// [`Subject`](crate::compliance::Subject) that names its program.
#[macro_export]
macro_rules! handshake_tests {
    ($subject:expr) => {
        $crate::handshake_tests!(@list tests [$subject]);
    };
    (@list $mode:ident [$($given:tt)*]) => {
        $crate::compliance_tests!(@$mode [$($given)*]
            start_is_answered:
                "The first line is answered within ten seconds", "يُجاب عن السطر الأول خلال عشر ثوانٍ";
                "read one line from standard input, listen, and write one line to standard output before any slow work; flush it", "اقرأ سطراً من المدخل القياسي ثم استمع واكتب سطراً إلى المخرج القياسي قبل أي عمل بطيء وادفعه فوراً";
            start_line_is_a_handshake:
                "The answer is one line of JSON, with nothing before it; keys of the host's line that are new are passed over", "الجواب سطر واحد من JSON لا شيء قبله، وتُتجاوز المفاتيح الجديدة في سطر المضيف";
                "print nothing but {\"protocol\": 1, \"version\": \"…\"} to standard output; what libraries print belongs on standard error", "لا تطبع على المخرج القياسي غير {\"protocol\": 1, \"version\": \"…\"}، وما تطبعه المكتبات مكانه مخرج الأخطاء";
            start_chooses_a_protocol_of_both:
                "The protocol that is chosen is one that both speak, the same in Describe", "البروتوكول المختار يتكلمه الطرفان وهو نفسه في Describe";
                "answer the newest protocol that you speak between the two numbers of the line, and end when there is none", "أجب بأحدث بروتوكول تتكلمه بين رقمي السطر، وأنهِ العملية إن لم يوجد";
            start_listens_where_it_is_told:
                "It listens on the socket of the line when it answers", "يستمع على المقبس المذكور في السطر حين يجيب";
                "bind to `socket` of the first line, and answer only when you listen", "استمع على socket المذكور في السطر الأول ولا تجب إلا بعد الاستماع";
            a_wrong_cookie_is_refused:
                "A call that does not show the cookie is UNAUTHENTICATED, whatever it asks", "النداء الذي لا يُظهر rabt-cookie الصحيح هو UNAUTHENTICATED أياً كان";
                "compare the metadata rabt-cookie of every call with the cookie of the first line, whole", "قارن rabt-cookie في كل نداء بما في السطر الأول كاملاً";
            the_end_of_input_is_the_end:
                "It ends within a second when its standard input ends", "ينتهي خلال ثانية من انتهاء مدخله القياسي";
                "go on reading standard input in a thread of its own, and exit when it ends", "تابع قراءة المدخل القياسي في خيط مستقل وأنهِ العملية بانتهائه";
            the_end_of_input_ends_a_read:
                "It ends within a second of its standard input, also in the middle of a read that nobody takes", "ينتهي خلال ثانية من انتهاء مدخله القياسي ولو في وسط قراءة لا يأخذها أحد";
                "exit the whole process (os._exit, std::process::exit) and do not wait for reads to end", "أنهِ العملية كلها (os._exit أو std::process::exit) ولا تنتظر انتهاء القراءات";
            nothing_is_left_behind:
                "Nothing that it started lives on behind it", "لا يبقى بعده شيء مما شغّله";
                "end what you start before you exit, and start nothing that leaves the process group (setsid, a daemon)", "أنهِ ما شغّلته قبل الخروج ولا تشغّل ما يغادر مجموعة العمليات (setsid أو خدمة)";
            nothing_printed_holds_a_value:
                "Nothing that it prints holds a value of a row, a secret or the cookie", "لا يطبع قيمة من صف ولا كلمة سر ولا rabt-cookie";
                "log what you know by hand, and catch exceptions before the language prints them", "سجّل ما تعرفه بيدك والتقط الاستثناءات قبل أن تطبعها اللغة";
        );
    };
}

handshake_tests!(@list cases []);
