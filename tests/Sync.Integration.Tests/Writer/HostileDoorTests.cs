using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.HostileTests.Run;
using Sync.Integration.Tests.Hostile;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Writer;

/// <summary>Hostile bytes over real sockets: the writer answers each request with what the protocol knows, never with a
/// failure of its own, stays up, and takes no memory that it does not give back.</summary>
[Collection(WriterTests.Name)]
public sealed class HostileDoorTests(WriterFixture fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly string _vault = $"h{Guid.NewGuid():N}";

    private WriterUnderTest Writer => fixture.Writer;

    [Theory]
    [InlineData("application/json", 1000)]
    [InlineData("application/msgpack", 1000)]
    public async Task Hostile_bodies_are_committed_or_refused(string contentType, int count)
    {
        var isJson = contentType == "application/json";
        var seeds = isJson
            ? new[] { """{"name":"Ada","age":36}""", "[1,-1,2.5,\"é\",null]", "\"\\ud83d\\ude00\"", "12345678901234567890" }.Select(Encoding.UTF8.GetBytes)
            : new[] { "82a46e616d65a3416461a361676524", "93c0c3cb3ff8000000000000", "dc0001c0", "d6ff00000000" }.Select(Convert.FromHexString);
        var damage = new Damage(seeds, isJson ? Flavor.Text : Flavor.Packed, contentType);
        var met = new HashSet<HttpStatusCode>();
        var before = HeldMemory.Now;
        for (var index = 0; index < count; index++)
        {
            var answer = await Writer.SendAsync(HttpMethod.Put, $"/v1/vaults/{_vault}/c/k{index % 10}", damage.Next(), contentType);
            ShouldBeKnown(answer);
            met.Add(answer.Status);
        }
        met.ShouldContain(HttpStatusCode.OK);
        met.ShouldContain(HttpStatusCode.BadRequest);
        await ShouldBeWellAsync(before);
    }

    [Fact]
    public async Task Hostile_lines_fail_alone()
    {
        var damage = new Damage(
            new[]
            {
                """{"vault":"VAULT","collection":"c","key":"a","value":1}""", """{"vault":"VAULT","collection":"c","key":"b","value":{"a":[1]},"expected":0}""",
                """{"vault":"VAULT","collection":"c","key":"c","op":"delete","idempotency_key":"x"}""",
            }.Select(line => Encoding.UTF8.GetBytes(line.Replace("VAULT", _vault, StringComparison.Ordinal))), Flavor.Text, "lines");
        var before = HeldMemory.Now;
        var (committed, refused) = (0, 0);
        for (var batch = 0; batch < 100; batch++)
        {
            var lines = new List<byte>();
            var count = 0;
            for (var line = 0; line < 20; line++)
            {
                var bytes = damage.Next();
                foreach (var part in Encoding.Latin1.GetString(bytes).Split('\n'))
                {
                    if (part.Trim(' ', '\t', '\r').Length == 0) continue;
                    lines.AddRange(Encoding.Latin1.GetBytes(part + "\n"));
                    count++;
                }
            }
            var answer = await Writer.SendAsync(HttpMethod.Post, "/v1/batch", [.. lines], "application/x-ndjson");
            answer.Status.ShouldBe(HttpStatusCode.OK);
            answer.Lines.Count.ShouldBe(count);
            foreach (var line in answer.Lines)
            {
                if (line.TryGetProperty("factId", out _)) committed++;
                else refused++;
                if (line.TryGetProperty("status", out var status)) status.GetInt32().ShouldBeLessThan(500, line.ToString());
            }
        }
        committed.ShouldBeGreaterThan(10);
        refused.ShouldBeGreaterThan(10);
        await ShouldBeWellAsync(before);
    }

    [Fact]
    public async Task Hostile_requests_end_with_an_answer_or_a_closed_connection()
    {
        var before = HeldMemory.Now;
        await HttpDoor.ShouldAnswerAsync(
            Writer.Address.Port, "requests", 1000,
            "GET /v1/facts?feed=0&from=1&limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            $"GET /v1/vaults/{_vault}/c/a%2Fb?as_of=2026-01-31T12:00:00Z HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"7\"\r\n\r\n",
            $"PUT /v1/vaults/{_vault}/c/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nIf-Match: \"0\"\r\nIdempotency-Key: a\r\n\r\n12",
            $"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
            $"GET /v1/facts?feed=0&from=1&limit=5 HTTP/1.1\r\nHost: localhost\r\nAccept: application/msgpack;q=0.5, */*\r\n\r\n",
            $"GET /v1/history/{_vault}/c/a?after=0&limit=10 HTTP/1.1\r\nHost: localhost\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
        await ShouldBeWellAsync(before);
    }

    [Fact]
    public async Task Headers_over_the_limit_are_answered_with_431() =>
        (await HttpDoor.RawAsync(
            Writer.Address.Port,
            $"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: {new string('x', 64 << 10)}\r\n\r\n"))
            .ShouldStartWith("HTTP/1.1 431 ");

    [Fact]
    public async Task A_body_that_does_not_come_is_answered_with_408() =>
        (await HttpDoor.RawAsync(
            Writer.Address.Port,
            $"PUT /v1/vaults/{_vault}/c/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n1"))
            .ShouldStartWith("HTTP/1.1 408 ");

    [Fact]
    public async Task Hostile_messages_on_every_subject_are_answered()
    {
        await using var bus = await fixture.ConnectAsync();
        var key = new SyncedKey(_vault, "c", "a");
        var subjects = Subjects.Default;
        string[] all =
        [
            subjects.OfRequest(RequestKind.Get, key), subjects.OfRequest(RequestKind.Put, key), subjects.OfRequest(RequestKind.History, key),
            subjects.OfGetMany(_vault), subjects.OfGroupGetMany("pypi"), subjects.OfRequest(RequestKind.Snapshot, _vault, "c"),
            subjects.OfRequest(RequestKind.Changes, _vault, "c"), subjects.OfGroupRequest(RequestKind.Changes, "pypi", "c"), subjects.OfVaults("pypi"),
            subjects.OfRequest(RequestKind.Append, _vault, "log"), subjects.OfOwn(new FeedId(0)),
        ];
        var damage = new Damage(Requests(key), Flavor.Packed, "messages");
        var before = HeldMemory.Now;
        foreach (var subject in all)
        {
            var (good, bad) = (0, 0);
            for (var index = 0; index < 200; index++)
            {
                var payload = damage.Next();
                var reply = await bus.RequestAsync(subject, payload, null, Limit);
                if (reply.IsError) bad++;
                else good++;
                if (reply.IsError) reply.ErrorCode.ShouldBeInRange(400, 499, $"{subject} {reply.ErrorText}: {Convert.ToHexStringLower(payload)}");
            }
            (good + bad).ShouldBe(200);
            if (!subject.StartsWith("sync.get.", StringComparison.Ordinal)) bad.ShouldBeGreaterThan(10, subject);
        }
        foreach (var subject in new[] { "sync.get.acme._.user.%41", "sync.get.acme._.user.a%2eb", "sync.get.acme._.user.%FF", "sync.put.a--b._.c.k" })
            (await bus.RequestAsync(subject, default, null, Limit)).ErrorCode.ShouldBe(400, subject);
        await ShouldBeWellAsync(before);
    }

    private static IEnumerable<byte[]> Requests(SyncedKey key)
    {
        yield return Bytes(to => WriteCommandCodec.Encode(new WriteCommand { Key = key, Op = ChangeOp.Put, Value = new byte[] { 7 } }, to));
        yield return Bytes(to => GetManyCodec.Encode([new RefetchItem(key.Collection, key.Key, Sequence.Unknown)], to));
        yield return Bytes(to => HistoryCodec.Encode(new HistoryRequest(new Sequence(0), 10), to));
        yield return Bytes(to => SnapshotCodec.Encode(new SnapshotRequest(null, null, 10), to));
        yield return Bytes(to => ChangesCodec.Encode(new ChangesRequest(new FeedId(0), new Position(0), 10), to));
        yield return Bytes(to => VaultsCodec.Encode(new VaultsRequest(null, null, 10), to));
    }

    private static byte[] Bytes(Action<IBufferWriter<byte>> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        write(buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void ShouldBeKnown(Answer answer)
    {
        ((int)answer.Status).ShouldBeInRange(200, 499, answer.Text);
        if ((int)answer.Status < 400) return;
        answer.Header("Content-Type").ShouldBe("application/problem+json");
        answer.Json.GetProperty("type").GetString()!.ShouldStartWith("urn:sync:problem:");
        answer.Json.GetProperty("detail").GetString().ShouldNotBeNullOrEmpty();
    }

    private async Task ShouldBeWellAsync(long before)
    {
        (await Writer.GetAsync("/readyz")).Status.ShouldBe(HttpStatusCode.OK);
        await HeldMemory.ShouldComeBackToAsync(before);
    }
}
