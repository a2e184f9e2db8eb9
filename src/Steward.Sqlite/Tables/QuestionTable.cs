using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>Questions to people.</summary>
internal sealed class QuestionTable(Db db)
{
    private readonly Statement _find = db.Prepare("SELECT body FROM question WHERE run = ?1 AND question_id = ?2");
    private readonly Statement _open = db.Prepare("SELECT body FROM question WHERE run = ?1 AND status = 'open' ORDER BY id");
    private readonly Statement _insert = db.Prepare(
        "INSERT INTO question (run, question_id, tenant, status, body) VALUES (?1, ?2, ?3, ?4, ?5)");
    private readonly Statement _update = db.Prepare("UPDATE question SET status = ?3, body = ?4 WHERE run = ?1 AND question_id = ?2");

    public static QuestionInfo Read(Statement s) => StoreJson.ReadQuestion(s.Span(0));

    public static string Name(QuestionStatus status) => status switch
    {
        QuestionStatus.Open => "open",
        QuestionStatus.Decided => "decided",
        QuestionStatus.Expired => "expired",
        _ => "withdrawn",
    };

    public QuestionInfo? Find(long run, string id) => _find.Bind(1, run).Bind(2, id).First(Read);

    public List<QuestionInfo> Open(long run) => _open.Bind(1, run).All(Read);

    public void Insert(long run, QuestionInfo question) =>
        _insert.Bind(1, run)
            .Bind(2, question.Id)
            .Bind(3, question.Tenant)
            .Bind(4, Name(question.Status))
            .Bind(5, StoreJson.Write(question))
            .Execute();

    public void Update(long run, QuestionInfo question) =>
        _update.Bind(1, run).Bind(2, question.Id).Bind(3, Name(question.Status)).Bind(4, StoreJson.Write(question)).Execute();
}
