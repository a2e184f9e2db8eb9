using Steward.Tools.Declarative;

namespace Steward.Tests.Tools;

public sealed class SqlStatementTests
{
    [Theory]
    [InlineData("SELECT 1;", "SELECT")]
    [InlineData("  -- a comment; with a semicolon\n SELECT 1 ; -- end\n /* ; */ ;", "SELECT")]
    [InlineData("/* first */ WITH a AS (SELECT ';') SELECT * FROM a", "WITH")]
    [InlineData("(SELECT 1) UNION SELECT 2", "SELECT")]
    [InlineData("select \"a;b\" from t where x = 'it''s; fine'", "SELECT")]
    [InlineData("SELECT 1 --", "SELECT")]
    public void Parse_OneStatement_IsTaken(string sql, string verb)
    {
        Assert.Equal(verb, SqlStatement.Parse(sql, SqlDialect.Sqlite).Verb);
        Assert.Equal(verb, SqlStatement.Parse(sql, SqlDialect.Postgres).Verb);
    }

    [Theory]
    [InlineData("SELECT 1; DELETE FROM t")]
    [InlineData("SELECT ''';'; DELETE FROM t")]
    [InlineData("SELECT 1 /* */ ; /* */ SELECT 2")]
    [InlineData("")]
    [InlineData(" -- nothing\n ;")]
    [InlineData("SELECT 'open")]
    [InlineData("SELECT \"open")]
    [InlineData("SELECT /* open")]
    [InlineData("SELECT :a")]
    [InlineData("SELECT $1")]
    [InlineData("SELECT @ä")]
    [InlineData("SELECT 1 \0")]
    public void Parse_AnythingElse_IsRefused(string sql)
    {
        Assert.Throws<ArgumentException>(() => SqlStatement.Parse(sql, SqlDialect.Sqlite));
        if (!sql.Contains("@ä", StringComparison.Ordinal))
            Assert.Throws<ArgumentException>(() => SqlStatement.Parse(sql, SqlDialect.Postgres));
    }

    [Theory]
    [InlineData("SELECT `a;b`, [c;@d] FROM t WHERE x=@x AND y=@x AND z=@y_1", "x,y_1")]
    [InlineData("SELECT '@no', \"@no\" -- @no\n, @yes /* @no */", "yes")]
    [InlineData("SELECT /* /* */ @yes", "yes")]
    public void Parse_SqliteParameters_AreThoseOutsideQuotesAndComments(string sql, string expected) =>
        Assert.Equal(expected, string.Join(',', SqlStatement.Parse(sql, SqlDialect.Sqlite).Parameters));

    [Theory]
    [InlineData("SELECT $$ ; @no $$, $tag$ $$ ; @no $tag$, @yes", "yes")]
    [InlineData("SELECT E'\\'; @no', @yes", "yes")]
    [InlineData("SELECT '\\', @yes", "yes")]
    [InlineData("SELECT @a::int, b @> @b, c <@ d, e @@ f, g @? 'x', a[1], h ? 'x'", "a,b")]
    [InlineData("SELECT /* /* @no */ @no */ @yes", "yes")]
    [InlineData("SELECT a$b, @yes", "yes")]
    public void Parse_PostgresParameters_AreThoseOutsideQuotesAndComments(string sql, string expected) =>
        Assert.Equal(expected, string.Join(',', SqlStatement.Parse(sql, SqlDialect.Postgres).Parameters));

    [Theory]
    [InlineData("SELECT E'\\\\'; DELETE FROM t; --'")]
    [InlineData("SELECT $a$ $b$; x $a$; DELETE FROM t")]
    [InlineData("SELECT /* /* */ 1; DELETE FROM t")]
    public void Parse_PostgresQuoting_IsFollowedToItsEnd(string sql)
    {
        // The third is one unclosed comment to PostgreSQL, the others are two statements.
        Assert.Throws<ArgumentException>(() => SqlStatement.Parse(sql, SqlDialect.Postgres));
    }
}
