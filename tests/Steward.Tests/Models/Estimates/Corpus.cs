using System.Text;

namespace Steward.Tests.Models.Estimates;

/// <summary>Texts of many kinds, written for these tests.</summary>
internal static class Corpus
{
    public static IReadOnlyDictionary<string, string[]> Texts { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["English"] =
        [
            "The committee met on Tuesday to discuss the annual budget. Several members argued that spending on libraries should increase.",
            "Please check whether the parcel has left the warehouse; if it hasn't, cancel the order and tell the customer why.",
        ],
        ["German"] =
        [
            "Die Versammlung beschloss gestern Abend, die Straßenbeleuchtung in der gesamten Innenstadt zu erneuern.",
            "Können Sie mir bitte sagen, ob meine Lieferung heute noch ankommt? Der Fahrer hat bisher nicht angerufen.",
        ],
        ["French"] = ["Le conseil municipal s'est réuni hier soir pour étudier le budget de l'année prochaine, mais aucune décision n'a été prise."],
        ["Spanish"] = ["El ayuntamiento aprobó ayer por la tarde la reparación del puente, aunque todavía no se sabe cuándo empezarán las obras."],
        ["Portuguese"] = ["A reunião de ontem terminou sem acordo, e os moradores vão apresentar uma nova proposta na próxima semana."],
        ["Polish"] = ["Wczoraj wieczorem rada miasta omawiała nowy budżet, lecz żadnej decyzji jeszcze nie podjęto."],
        ["Turkish"] = ["Belediye meclisi dün akşam yeni bütçeyi görüştü, ancak köprünün onarımı için henüz karar verilmedi."],
        ["Finnish"] = ["Kaupunginvaltuusto keskusteli eilen illalla uudesta talousarviosta, mutta päätöstä ei vielä tehty."],
        ["Vietnamese"] = ["Tối qua hội đồng thành phố đã thảo luận ngân sách mới nhưng vẫn chưa đưa ra quyết định nào."],
        ["Russian"] = ["Вчера вечером городской совет обсуждал новый бюджет, но решение так и не было принято."],
        ["Greek"] = ["Το δημοτικό συμβούλιο συζήτησε χθες το βράδυ τον νέο προϋπολογισμό, αλλά δεν πήρε απόφαση."],
        ["Arabic"] = ["ناقش مجلس المدينة مساء أمس الميزانية الجديدة، لكنه لم يتخذ أي قرار بعد."],
        ["Hebrew"] = ["מועצת העיר דנה אמש בתקציב החדש, אך טרם התקבלה החלטה."],
        ["Hindi"] = ["नगर परिषद ने कल शाम नए बजट पर चर्चा की, लेकिन अभी तक कोई निर्णय नहीं हुआ।"],
        ["Thai"] = ["เมื่อวานตอนเย็นสภาเทศบาลประชุมเรื่องงบประมาณใหม่ แต่ยังไม่มีข้อสรุป"],
        ["Chinese"] = ["昨天晚上市议会讨论了新的预算案，但还没有做出任何决定。", "請確認包裹是否已經寄出；如果還沒有，請取消訂單並告知客戶原因。"],
        ["Japanese"] = ["昨夜、市議会は新しい予算案について話し合いましたが、まだ結論は出ていません。"],
        ["Korean"] = ["어제 저녁 시의회는 새 예산안을 논의했지만 아직 결정을 내리지 못했습니다."],
        ["C#"] =
        [
            """
            public sealed class WordCounter(TextReader reader)
            {
                private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

                public int Count(string word) => _counts.TryGetValue(word, out int value) ? value : 0;
            }
            """,
        ],
        ["Python"] = ["def parse(line: str) -> dict[str, float]:\n    parts = line.strip().split(',')\n    return {k: float(v) for k, v in (p.split('=') for p in parts)}\n"],
        ["SQL"] = ["SELECT c.name, SUM(o.total) AS spent FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.created_at >= '2026-01-01' GROUP BY c.name;"],
        ["JSON"] = ["""{"customer":{"id":48213,"name":"Ada Lind","email":"ada@example.org","tags":["vip","newsletter"]},"items":[{"sku":"A-1001","quantity":2,"price":19.99}]}"""],
        ["tool schema"] = ["""{"type":"object","properties":{"query":{"type":"string","description":"Words to look for."},"limit":{"type":"integer","minimum":1,"maximum":50}},"required":["query"]}"""],
        ["Markdown"] = ["# Release notes\n\n- **Faster** start: `steward run` takes half the time.\n- Fixed [a crash](https://example.org/issues/42) on empty input.\n\n| Part | Before | After |\n|---|---|---|\n| start | 2.1 s | 1.0 s |\n"],
        ["log"] = ["2026-11-30T23:59:58.123Z ERROR [worker-7] order 9f3c2b1a-77de-4c11-9a53-0d2f6f1c8e44 failed after 3 attempts: HTTP 503 (10.0.12.7:8443)"],
        ["numbers"] = ["3.14159 2.71828 1048576 0x7fffffff 99,999.00 +49 30 901820 2026-12-01 17:45"],
        ["hexadecimal"] = ["5f2c8a91d0e3b7465f2c8a91d0e3b746c0ffee00deadbeef0123456789abcdef"],
        ["Base64"] = [Convert.ToBase64String([.. Enumerable.Range(0, 300).Select(i => (byte)((i * i * 7) + (i * 31)))])],
        ["identifiers"] = ["getUserAccountByIdOrThrow parse_http_header MAX_RETRY_COUNT XMLHttpRequest useEffect kebab-case-name"],
        ["emoji"] = ["Great job! 🎉👏🏽 See you soon 👨‍👩‍👧‍👦🏳️‍🌈 ❤️🔥 1️⃣"],
        ["mathematics"] = ["∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−L|<ε, ∑ᵢ₌₁ⁿ i² = n(n+1)(2n+1)⁄6, 𝒳 ⊂ ℝⁿ"],
        ["white space"] = [new string(' ', 300) + "x", "a" + new string('\n', 200) + "b", string.Concat(Enumerable.Repeat(" \t\n", 60)) + "c"],
        ["rare characters"] = [new string('龘', 40), new string('ꙮ', 40), string.Concat(Enumerable.Repeat("𓀀", 20)), new string('\u0F3A', 30)],
        ["random letters"] = [Letters(1, 200), Letters(2, 60)],
        ["random Unicode"] = [Unicode(3, 200), Unicode(4, 60)],
    };

    private static string Letters(int seed, int length)
    {
        var random = new Random(seed);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('a', 'z' + 1)));
    }

    private static string Unicode(int seed, int length)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        while (text.Length < length)
        {
            if (random.Next(0xA0, 0x20000) is var point and not (>= 0xD800 and < 0xE000))
                text.Append(char.ConvertFromUtf32(point));
        }

        return text.ToString();
    }
}
