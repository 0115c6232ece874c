using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Sync.Benchmarks.Way;

/// <summary>The yardstick's service, in a process of its own: the same route for the same client, and behind it one
/// statement for each write over 16 pooled connections. Nothing is published, no idempotency is kept.
/// <code>plain --url URL --database CONNECTION</code></summary>
internal static class PlainDoor
{
    private static readonly string NoHash = new('0', 64);

    public static async Task<int> RunAsync(string[] args)
    {
        await using var pool = PlainTable.Pool(Arguments.Required(args, "--database"));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Arguments.Required(args, "--url"));
        await using var app = builder.Build();
        app.MapPost("/v1/batch", (HttpContext context) => AnswerAsync(context, pool));
        await app.StartAsync();
        Console.WriteLine("ready");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task AnswerAsync(HttpContext context, NpgsqlDataSource pool)
    {
        var writes = new List<(string Key, Task<(long Position, long Sequence)> Result)>();
        var input = context.Request.BodyReader;
        while (true)
        {
            var read = await input.ReadAsync(context.RequestAborted);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                var (key, value) = Parse(rest.Slice(0, end));
                writes.Add((key, WriteAsync(pool, key, value)));
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) break;
        }
        context.Response.ContentType = "application/x-ndjson";
        var output = context.Response.BodyWriter;
        using var json = new Utf8JsonWriter((IBufferWriter<byte>)output);
        foreach (var (key, result) in writes)
        {
            var (position, sequence) = await result;
            WriteReceipt(json, key, position, sequence);
            output.Write("\n"u8);
        }
        await output.FlushAsync(context.RequestAborted);
    }

    private static async Task<(long Position, long Sequence)> WriteAsync(NpgsqlDataSource pool, string key, byte[] value)
    {
        await using var connection = await pool.OpenConnectionAsync();
        await using var command = PlainTable.Write(connection);
        return await PlainTable.ExecuteAsync(command, key, value);
    }

    private static (string Key, byte[] Value) Parse(in ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        (string? key, byte[]? value) = (null, null);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isKey = json.ValueTextEquals("key"u8);
            var isValue = json.ValueTextEquals("value_msgpack"u8);
            json.Read();
            if (isKey) key = json.GetString();
            else if (isValue) value = json.GetBytesFromBase64();
        }
        return (key!, value!);
    }

    private static void WriteReceipt(Utf8JsonWriter json, string key, long position, long sequence)
    {
        json.WriteStartObject();
        json.WriteString("factId"u8, Guid.Empty);
        json.WriteString("vault"u8, Records.Vault);
        json.WriteString("collection"u8, Records.Collection);
        json.WriteString("key"u8, key);
        json.WriteNumber("sequence"u8, sequence);
        json.WriteNumber("feed"u8, 0);
        json.WriteNumber("history"u8, 1);
        json.WriteNumber("position"u8, position);
        json.WriteString("transactionTime"u8, DateTimeOffset.UtcNow);
        json.WriteString("valueHash"u8, NoHash);
        json.WriteEndObject();
        json.Flush();
        json.Reset();
    }
}
