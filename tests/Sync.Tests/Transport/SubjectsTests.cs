using System.Globalization;
using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Transport;

public sealed class SubjectsTests
{
    private static readonly Subjects All = Subjects.Default;

    [Theory]
    [InlineData("acme", "user", "123", "synced.acme._.user.123")]
    [InlineData("pypi--django", "advisory", "CVE-1", "synced.pypi.django.advisory.CVE-1")]
    [InlineData("pypi--a.b", "x.y", "a.b", "synced.pypi.a%2Eb.x%2Ey.a%2Eb")]
    [InlineData("a--b--c", "u", "k", "synced.a.b--c.u.k")]
    [InlineData("a---b", "u", "k", "synced.a.-b.u.k")]
    [InlineData("_state", "_x", "k", "synced._state._._x.k")]
    [InlineData("acme", "user", "*", "synced.acme._.user.%2A")]
    [InlineData("acme", "user", ">", "synced.acme._.user.%3E")]
    [InlineData("acme", "user", "a b", "synced.acme._.user.a%20b")]
    [InlineData("acme", "user", "100%", "synced.acme._.user.100%25")]
    [InlineData("acme", "user", "%2E", "synced.acme._.user.%252E")]
    [InlineData("acme", "user", "é", "synced.acme._.user.%C3%A9")]
    [InlineData("acme", "user", "\u3000", "synced.acme._.user.%E3%80%80")]
    [InlineData("acme", "user", "😀", "synced.acme._.user.%F0%9F%98%80")]
    [InlineData("acme", "user", "~!\"#$&'()+,-/:;<=?@[\\]^_`{|}", "synced.acme._.user.~!\"#$&'()+,-/:;<=?@[\\]^_`{|}")]
    public void A_key_has_exactly_one_subject(string vault, string collection, string key, string subject)
    {
        var synced = new SyncedKey(vault, collection, key);
        All.Of(synced).ShouldBe(subject);
        All.TryParse(subject, out var read).ShouldBeTrue();
        read.ShouldBe(synced);
        SubjectRules.Check(subject).ShouldBeNull();
    }

    [Fact]
    public void Every_character_of_every_plane_that_a_key_may_hold_survives()
    {
        var checkedRunes = 0;
        for (var code = 1; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 97)
        {
            if (!Rune.TryCreate(code, out var rune)) continue;
            var key = new SyncedKey("v", "c", "a" + rune + "b");
            if (Names.CheckKey(key.Key) is not null)
            {
                Should.Throw<SyncException>(() => All.Of(key)).Code.ShouldBe(SyncErrorCode.Invalid);
                continue;
            }
            var subject = All.Of(key);
            if (SubjectRules.Check(subject) is { } wrong) throw new ShouldAssertException($"U+{code:X}: {wrong}");
            if (!All.TryParse(subject, out var read) || read != key) throw new ShouldAssertException($"U+{code:X} is lost in {subject}");
            checkedRunes++;
        }
        checkedRunes.ShouldBeGreaterThan(20_000);
    }

    [Fact]
    public void Names_as_long_as_allowed_fit()
    {
        var key = new SyncedKey("a" + new string('.', 127), new string('_', 128), new string('*', 512));
        All.Of(key).Length.ShouldBeLessThanOrEqualTo(Subjects.LengthMax);
        All.TryParse(All.Of(key), out var read).ShouldBeTrue();
        read.ShouldBe(key);
        var longPrefix = new Subjects(new SubjectOptions { SyncedPrefix = new string('p', 64) });
        longPrefix.TryParse(longPrefix.Of(key), out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("synced")]
    [InlineData("synced.")]
    [InlineData("synced.acme._.user")]
    [InlineData("synced.acme._.user.")]
    [InlineData("synced.acme._.user.a.b")]
    [InlineData("synced.acme..user.a")]
    [InlineData("synced..x.user.a")]
    [InlineData("other.acme._.user.a")]
    [InlineData("SYNCED.acme._.user.a")]
    [InlineData("syncedx.acme._.user.a")]
    [InlineData("synced.acme._.user.%41")]
    [InlineData("synced.acme._.user.%2e")]
    [InlineData("synced.acme._.user.%c3%a9")]
    [InlineData("synced.acme._.user.%")]
    [InlineData("synced.acme._.user.%2")]
    [InlineData("synced.acme._.user.a%")]
    [InlineData("synced.acme._.user.%zz")]
    [InlineData("synced.acme._.user.%C3")]
    [InlineData("synced.acme._.user.%C0%AE")]
    [InlineData("synced.acme._.user.%ED%A0%80")]
    [InlineData("synced.acme._.user.%F8%88%80%80%80")]
    [InlineData("synced.acme._.user.%0D%0A")]
    [InlineData("synced.acme._.user.%00")]
    [InlineData("synced.acme._.user.a b")]
    [InlineData("synced.acme._.user.é")]
    [InlineData("synced.acme._.user.*")]
    [InlineData("synced.acme._.user.>")]
    [InlineData("synced.acme.*.user.a")]
    [InlineData("synced.acme.~.user.a")]
    [InlineData("synced.acme._.us@3.a")]
    [InlineData("synced.a--b._.user.a")]
    [InlineData("synced.a-.b.user.a")]
    [InlineData("synced.a--b.c.user.a")]
    [InlineData("synced.acme.%5F.user.a")]
    [InlineData("synced.%2Eacme._.user.a")]
    [InlineData("synced.acme._.user.%0")]
    public void What_no_key_is_written_as_is_refused(string subject) => All.TryParse(subject, out _).ShouldBeFalse();

    [Fact]
    public void Hostile_subjects_only_give_false()
    {
        var random = new Random(7);
        var alphabet = "synced.acme_~%2EAF*> \r\n\0é-";
        var read = 0;
        for (var round = 0; round < 200_000; round++)
        {
            var text = new StringBuilder(round % 3 == 0 ? "synced.a._.c." : "sync.get.a._.");
            for (var at = random.Next(12); at > 0; at--) text.Append(alphabet[random.Next(alphabet.Length)]);
            var subject = text.ToString();
            if (All.TryParse(subject, out var key))
            {
                read++;
                All.Of(key).ShouldBe(subject);
            }
            if (All.TryParseRequest(subject, out var request)) All.OfRequest(request.Kind, request.ToKey()).ShouldBe(subject);
        }
        read.ShouldBeGreaterThan(100);
        All.TryParse("synced.a._.c." + new string('k', 1_000_000), out _).ShouldBeFalse();
        All.TryParseRequest("sync.get.a._.c." + new string('k', 1_000_000), out _).ShouldBeFalse();
    }

    [Fact]
    public void Patterns_are_wildcards()
    {
        All.Of(SyncedPattern.OfCollection("acme", "user")).ShouldBe("synced.acme._.user.*");
        All.Of(SyncedPattern.OfCollection("pypi--a.b", "x.y")).ShouldBe("synced.pypi.a%2Eb.x%2Ey.*");
        All.Of(SyncedPattern.OfVault("acme")).ShouldBe("synced.acme._.*.*");
        All.Of(SyncedPattern.OfGroup("pypi", "advisory")).ShouldBe("synced.pypi.*.advisory.*");
        All.Of(SyncedPattern.OfGroup("pypi")).ShouldBe("synced.pypi.*.*.*");
        Should.Throw<SyncException>(() => All.Of(SyncedPattern.OfGroup("a--b"))).Code.ShouldBe(SyncErrorCode.Invalid);
        Should.Throw<SyncException>(() => All.Of(SyncedPattern.OfGroup("a-"))).Code.ShouldBe(SyncErrorCode.Invalid);
        Should.Throw<SyncException>(() => All.Of(default(SyncedPattern))).Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Theory]
    [InlineData("synced.pypi.flask.advisory.1", true)]
    [InlineData("synced.pypi._.advisory.1", false)]
    [InlineData("synced.pypi._x.advisory.1", true)]
    public void A_group_does_not_follow_the_vault_of_its_own_name(string subject, bool expected) =>
        All.Follows(SyncedPattern.OfGroup("pypi"), Encoding.ASCII.GetBytes(subject)).ShouldBe(expected);

    [Fact]
    public void Requests_say_what_they_ask()
    {
        var key = new SyncedKey("pypi--flask", "advisory", "a.b");
        Check(All.OfRequest(RequestKind.Get, key), "sync.get.pypi.flask.advisory.a%2Eb", new(RequestKind.Get, null, "pypi--flask", "advisory", "a.b", null));
        Check(All.OfRequest(RequestKind.Put, key), "sync.put.pypi.flask.advisory.a%2Eb", new(RequestKind.Put, null, "pypi--flask", "advisory", "a.b", null));
        Check(All.OfRequest(RequestKind.History, key), "sync.history.pypi.flask.advisory.a%2Eb", new(RequestKind.History, null, "pypi--flask", "advisory", "a.b", null));
        Check(All.OfGetMany("acme"), "sync.getmany.acme._", new(RequestKind.GetMany, null, "acme", null, null, null));
        Check(All.OfGroupGetMany("pypi"), "sync.getmany.pypi.~", new(RequestKind.GetMany, "pypi", null, null, null, null));
        Check(All.OfRequest(RequestKind.Snapshot, "acme", "user"), "sync.snapshot.acme._.user", new(RequestKind.Snapshot, null, "acme", "user", null, null));
        Check(All.OfGroupRequest(RequestKind.Snapshot, "pypi", "file"), "sync.snapshot.pypi.~.file", new(RequestKind.Snapshot, "pypi", null, "file", null, null));
        Check(All.OfGroupRequest(RequestKind.Changes, "pypi", "file"), "sync.changes.pypi.~.file", new(RequestKind.Changes, "pypi", null, "file", null, null));
        Check(All.OfRequest(RequestKind.Append, "acme", "user"), "sync.append.acme._.user", new(RequestKind.Append, null, "acme", "user", null, null));
        Check(All.OfVaults("pypi"), "sync.vaults.pypi", new(RequestKind.Vaults, "pypi", null, null, null, null));
        Check(All.OfOwn(new FeedId(7)), "sync.own.7", new(RequestKind.Own, null, null, null, null, new FeedId(7)));
        All.OfBeat(new FeedId(3)).ShouldBe("sync.beat.3");
        All.Beats.ShouldBe("sync.beat.*");
        foreach (var kind in Enum.GetValues<RequestKind>()) SubjectRules.CheckFilter(All.AllOf(kind)).ShouldBeNull();
        All.AllOf(RequestKind.Get).ShouldBe("sync.get.*.*.*.*");
        All.AllOf(RequestKind.GetMany).ShouldBe("sync.getmany.*.*");
        All.AllOf(RequestKind.Own).ShouldBe("sync.own.*");

        static void Check(string subject, string expected, RequestSubject request)
        {
            subject.ShouldBe(expected);
            All.TryParseRequest(subject, out var read).ShouldBeTrue();
            read.ShouldBe(request);
        }
    }

    [Theory]
    [InlineData(null, "acme", "user", "acme._.user")]
    [InlineData(null, "acme", null, "acme._.~")]
    [InlineData(null, "pypi--a.b", "x.y", "pypi.a%2Eb.x%2Ey")]
    [InlineData(null, "pypi--a.b", null, "pypi.a%2Eb.~")]
    [InlineData("pypi", null, "file", "pypi.~.file")]
    [InlineData("pypi", null, null, "pypi.~.~")]
    public void A_scope_has_exactly_one_subject_for_a_kind(string? group, string? vault, string? collection, string rest)
    {
        var scope = new SyncedPattern(group, vault, collection);
        foreach (var (kind, word) in new[] { (RequestKind.Snapshot, "snapshot"), (RequestKind.Changes, "changes") })
        {
            All.OfScope(kind, scope).ShouldBe($"sync.{word}.{rest}");
            All.TryParseRequest($"sync.{word}.{rest}", out var read).ShouldBeTrue();
            read.Kind.ShouldBe(kind);
            read.ToScope().ShouldBe(scope);
        }
        foreach (var kind in Enum.GetValues<RequestKind>().Except([RequestKind.Snapshot, RequestKind.Changes]))
            Should.Throw<SyncException>(() => All.OfScope(kind, scope)).Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Fact]
    public void A_scope_that_breaks_a_rule_has_no_subject()
    {
        foreach (var scope in new SyncedPattern[] { default, new("g", "v", null), new("a--b", null, null), new(null, "~", null), new("g", null, "~") })
            Should.Throw<SyncException>(() => All.OfScope(RequestKind.Snapshot, scope)).Code.ShouldBe(SyncErrorCode.Invalid);
        All.TryParseRequest(All.OfGetMany("acme"), out var getmany).ShouldBeTrue();
        Should.Throw<InvalidOperationException>(() => getmany.ToScope());
    }

    [Theory]
    [InlineData("sync.own.01")]
    [InlineData("sync.append.acme._.~")]
    [InlineData("sync.snapshot.~.~.~")]
    [InlineData("sync.snapshot.~._.user")]
    [InlineData("sync.snapshot.acme._.%7E")]
    [InlineData("sync.snapshot.acme.%7E.user")]
    [InlineData("sync.changes.acme._.~~")]
    [InlineData("sync.changes.acme._.~.~")]
    [InlineData("sync.changes.a-.~.user")]
    [InlineData("sync.own.-1")]
    [InlineData("sync.own.+1")]
    [InlineData("sync.own.1024")]
    [InlineData("sync.own.99999999999")]
    [InlineData("sync.own.")]
    [InlineData("sync.append.pypi.~.file")]
    [InlineData("sync.get.pypi.~.file.k")]
    [InlineData("sync.vaults.a--b")]
    [InlineData("sync.vaults.a.b")]
    [InlineData("sync.getmany.acme")]
    [InlineData("sync.unknown.acme")]
    [InlineData("sync.getmany.~.~")]
    public void A_request_that_no_one_writes_is_refused(string subject) => All.TryParseRequest(subject, out _).ShouldBeFalse();

    [Fact]
    public void Prefixes_are_options_and_checked()
    {
        var other = new Subjects(new SubjectOptions { SyncedPrefix = "eu.data", SyncPrefix = "eu.calls" });
        other.Of(new SyncedKey("a", "b", "c")).ShouldBe("eu.data.a._.b.c");
        other.OfGetMany("a").ShouldBe("eu.calls.getmany.a._");
        other.TryParse("synced.a._.b.c", out _).ShouldBeFalse();
        foreach (var wrong in new[] { "", "a b", "a..b", "*", "a.>", new string('x', 65), "sync" })
            Should.Throw<SyncException>(() => new Subjects(new SubjectOptions { SyncedPrefix = wrong })).Code.ShouldBe(SyncErrorCode.Invalid);
        Should.Throw<SyncException>(() => new Subjects(new SubjectOptions { SyncedPrefix = "x.y", SyncPrefix = "x" })).Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Fact]
    public void Vectors_hold()
    {
        var vectors = SubjectVectors.Read();
        vectors.Keys.Count.ShouldBeGreaterThan(10);
        foreach (var vector in vectors.Keys)
        {
            All.Of(new SyncedKey(vector.Vault, vector.Collection, vector.Key)).ShouldBe(vector.Subject);
            All.TryParse(vector.Subject, out var read).ShouldBeTrue();
            read.ShouldBe(new SyncedKey(vector.Vault, vector.Collection, vector.Key));
        }
        vectors.Refused.Count.ShouldBeGreaterThan(10);
        foreach (var refused in vectors.Refused)
            All.TryParse(refused.Subject, out _).ShouldBeFalse(string.Create(CultureInfo.InvariantCulture, $"{refused.Subject}: {refused.Why}"));
    }
}
