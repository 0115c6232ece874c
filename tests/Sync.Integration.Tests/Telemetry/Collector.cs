using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Telemetry;

/// <summary>A span as it came over the wire.</summary>
internal sealed record Span(string Service, string Name, string Trace, string Id, string Parent);

/// <summary>Takes OTLP over gRPC, the default of exporters, and keeps the names of spans and metrics, and the bytes.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private const string Prefix = "/opentelemetry.proto.collector.";
    private readonly WebApplication _app;

    private Collector(WebApplication app, string url) => (_app, Url) = (app, url);

    public string Url { get; }

    public ConcurrentQueue<Span> Spans { get; } = new();

    /// <summary>All that came, as it came.</summary>
    public ConcurrentQueue<byte[]> Bodies { get; } = new();

    public ConcurrentDictionary<(string Service, string Name), bool> Metrics { get; } = new();

    public static async Task<Collector> StartAsync()
    {
        var port = Ports.Free();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server =>
            server.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        var collector = new Collector(app, $"http://127.0.0.1:{port}");
        app.MapPost(Prefix + "trace.v1.TraceService/Export", context => collector.TakeAsync(context, collector.TakeSpans));
        app.MapPost(Prefix + "metrics.v1.MetricsService/Export", context => collector.TakeAsync(context, collector.TakeMetrics));
        await app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context, Action<string, byte[]> take)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        // One message: a byte that says "not compressed", the length, the message.
        var bytes = body.ToArray();
        Bodies.Enqueue(bytes);
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1));
        foreach (var resource in Fields(bytes.AsMemory(5, length), 1))
            foreach (var scope in Fields(resource, 2)) take(ServiceOf(resource), scope.ToArray());
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private void TakeSpans(string service, byte[] scope)
    {
        foreach (var span in Fields(scope, 2))
            Spans.Enqueue(new Span(service, Text(span, 5), Hex(span, 1), Hex(span, 2), Hex(span, 4)));
    }

    private void TakeMetrics(string service, byte[] scope)
    {
        foreach (var metric in Fields(scope, 2)) Metrics[(service, Text(metric, 1))] = true;
    }

    private static string ServiceOf(ReadOnlyMemory<byte> resource) => Fields(resource, 1)
        .SelectMany(attributes => Fields(attributes, 1))
        .Where(attribute => Text(attribute, 1) == "service.name")
        .Select(attribute => Text(Fields(attribute, 2).Single(), 1)).Single();

    private static string Text(ReadOnlyMemory<byte> message, int field) =>
        Encoding.UTF8.GetString(Fields(message, field).Single().Span);

    private static string Hex(ReadOnlyMemory<byte> message, int field) =>
        Convert.ToHexStringLower(Fields(message, field).SingleOrDefault().Span);

    /// <summary>The length-delimited fields of a protobuf message that have a number.</summary>
    private static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int number)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message.Span, ref at);
            switch (tag & 7)
            {
                case 0: Varint(message.Span, ref at); break;
                case 1: at += 8; break;
                case 5: at += 4; break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    if (tag >> 3 == number) found.Add(message.Slice(at, length));
                    at += length;
                    break;
                default: throw new InvalidDataException($"wire type {tag & 7}");
            }
        }
        return found;
    }

    private static long Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0L;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }
}
