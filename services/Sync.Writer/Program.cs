using Sync.Hosting;
using Sync.Writer;

return await ServiceRun.RunAsync(() => WriterHost.Build(args), WriterHost.UrlsSetting);
