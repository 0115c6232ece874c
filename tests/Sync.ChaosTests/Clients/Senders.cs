using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>Carries one request of a write and says how it ended.</summary>
internal interface IWriteSender
{
    Task<Outcome> SendAsync(PlannedWrite write);
}

/// <summary>By way of the client that users install: it batches and repeats by itself.</summary>
internal sealed class SyncSender(SyncClient client) : IWriteSender
{
    public async Task<Outcome> SendAsync(PlannedWrite write)
    {
        var result = await client.WriteAsync(new WriteCommand
        {
            Key = write.Key,
            Op = write.Op,
            Value = write.Value,
            SchemaVersion = write.SchemaVersion,
            Expected = write.Expected is { } expected ? new Sequence(expected) : null,
            IdempotencyKey = write.Id,
        });
        return result switch
        {
            WriteResult.Committed(var receipt, var replayed) => Outcome.Committed(new SeenReceipt(
                receipt.Key, receipt.FactId.Value, receipt.Feed.Value, receipt.History.Value, receipt.Position.Value,
                receipt.Sequence.Value, First8(receipt.ValueHash), replayed)),
            WriteResult.Refused({ IsTransient: true } refusal) => Outcome.NotNow(refusal.Code.ToString(), refusal.Detail),
            WriteResult.Refused(var refusal) => Outcome.Refused(refusal.Code.ToString(), refusal.Detail),
            WriteResult.Unknown(var reason) => Outcome.Unknown(reason),
            _ => throw new InvalidOperationException("a fourth outcome"),
        };
    }

    private static ulong First8(Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}

/// <summary>By plain HTTP, another writer each time.</summary>
internal sealed class HttpSender(HttpClient http, IReadOnlyList<string> writers) : IWriteSender
{
    private static readonly MediaTypeHeaderValue JsonType = new("application/json");
    private static readonly MediaTypeHeaderValue LinesType = new("application/x-ndjson");
    private int _turn;

    public async Task<Outcome> SendAsync(PlannedWrite write)
    {
        using var request = new HttpRequestMessage(MethodOf(write.Op), NextWriter() + PathOf(write));
        request.Headers.Add("Idempotency-Key", write.Id);
        if (write.Expected is { } expected) request.Headers.TryAddWithoutValidation("If-Match", $"\"{expected}\"");
        if (write.Op != ChangeOp.Delete)
        {
            request.Headers.Add("Sync-Schema-Version", write.SchemaVersion.Text);
            request.Content = new ByteArrayContent(write.Json) { Headers = { ContentType = JsonType } };
        }
        try
        {
            using var answer = await http.SendAsync(request);
            return AnswerReader.Read(await answer.Content.ReadAsByteArrayAsync());
        }
        catch (Exception error) when (IsLost(error))
        {
            return Lost(error);
        }
    }

    /// <summary>All writes in one request; those that got no line of the answer have an unknown outcome.</summary>
    public async Task<Outcome[]> SendAllAsync(IReadOnlyList<PlannedWrite> writes)
    {
        var outcomes = new Outcome[writes.Count];
        var answered = 0;
        Outcome rest;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, NextWriter() + "/v1/batch")
            {
                Content = new ByteArrayContent(Lines(writes)) { Headers = { ContentType = LinesType } },
            };
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await answer.Content.ReadAsStreamAsync();
            using var reader = new StreamReader(body, Encoding.UTF8);
            using var patience = new CancellationTokenSource(http.Timeout);
            if (answer.StatusCode != HttpStatusCode.OK)
                rest = AnswerReader.Read(Encoding.UTF8.GetBytes(await reader.ReadToEndAsync(patience.Token)));
            else
            {
                while (answered < outcomes.Length && await reader.ReadLineAsync(patience.Token) is { } line)
                    outcomes[answered++] = AnswerReader.Read(Encoding.UTF8.GetBytes(line));
                rest = Outcome.Unknown("no line of the answer");
            }
        }
        catch (Exception error) when (IsLost(error))
        {
            rest = Lost(error);
        }
        outcomes.AsSpan(answered).Fill(rest);
        return outcomes;
    }

    private static byte[] Lines(IReadOnlyList<PlannedWrite> writes)
    {
        using var lines = new MemoryStream();
        foreach (var write in writes)
        {
            using (var json = new Utf8JsonWriter(lines))
            {
                json.WriteStartObject();
                json.WriteString("vault"u8, write.Key.Vault);
                json.WriteString("collection"u8, write.Key.Collection);
                if (write.Key.Key.Length > 0) json.WriteString("key"u8, write.Key.Key);
                json.WriteString("op"u8, OpOf(write.Op));
                json.WriteString("idempotency_key"u8, write.Id);
                if (write.Op != ChangeOp.Delete)
                {
                    json.WriteString("schema_version"u8, write.SchemaVersion.Text);
                    json.WritePropertyName("value"u8);
                    json.WriteRawValue(write.Json);
                }
                if (write.Expected is { } expected) json.WriteNumber("expected"u8, expected);
                json.WriteEndObject();
            }
            lines.WriteByte((byte)'\n');
        }
        return lines.ToArray();
    }

    private string NextWriter() => writers[(int)((uint)Interlocked.Increment(ref _turn) % (uint)writers.Count)].TrimEnd('/');

    private static string PathOf(PlannedWrite write) => write.Key.Key.Length == 0
        ? $"/v1/vaults/{write.Key.Vault}/{write.Key.Collection}"
        : $"/v1/vaults/{write.Key.Vault}/{write.Key.Collection}/{write.Key.Key}";

    private static HttpMethod MethodOf(ChangeOp op) =>
        op switch { ChangeOp.Put => HttpMethod.Put, ChangeOp.Delete => HttpMethod.Delete, _ => HttpMethod.Post };

    private static string OpOf(ChangeOp op) =>
        op switch { ChangeOp.Put => "put", ChangeOp.Delete => "delete", _ => "append" };

    private static bool IsLost(Exception error) =>
        error is HttpRequestException or IOException or SocketException or OperationCanceledException;

    // Refused at the door of the machine: not a byte of the request went out.
    private static Outcome Lost(Exception error) =>
        error is HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } }
        ? Outcome.NotNow("not-connected", error.Message)
        : Outcome.Unknown(error.Message);
}
